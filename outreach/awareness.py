"""Whether people know of a policy (知晓率): a sample of those who were texted, ticked at the door by the grid member."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from core import clock
from core.accounts import Account
from core.rights import below, is_within
from outreach.broadcast import Refused
from outreach.broadcast_tables import AwarenessRow, BroadcastRow, DeliveryRow, Fate
from outreach.tables import ContactRow, Hold

SAMPLE = 10
_ARRIVED = (Fate.SENT, Fate.DELIVERED)


@dataclass(frozen=True)
class Rate:
    """How many of a village were asked, and how many of them knew."""

    region: str
    asked: int
    knew: int

    @property
    def percent(self) -> int:
        return round(100 * self.knew / self.asked) if self.asked else 0


class Awareness:
    """Ticks and rates. Every method works inside the caller's transaction."""

    def __init__(self, now: Callable[[], datetime] = clock.now) -> None:
        self._now = now

    def sheets(self, session: Session, region: str) -> list[str]:
        """The sheets that people of a place were texted about."""
        here = (DeliveryRow.broadcast_id == BroadcastRow.id) & below(DeliveryRow.region, region)
        texted = select(DeliveryRow.contact_id).where(here, DeliveryRow.fate.in_(_ARRIVED)).exists()
        query = select(BroadcastRow.sheet).where(BroadcastRow.sheet != "", texted).distinct()
        return sorted(session.scalars(query))

    def sample(self, session: Session, region: str, sheet: str) -> list[ContactRow]:
        """Some who were texted about a sheet and not asked yet. Which, nobody chooses: the order is by a mixed-up number."""
        asked = select(AwarenessRow.contact_id).where(AwarenessRow.contact_id == ContactRow.id, AwarenessRow.sheet == sheet)
        texted = (
            select(DeliveryRow.contact_id)
            .join(BroadcastRow, BroadcastRow.id == DeliveryRow.broadcast_id)
            .where(
                BroadcastRow.sheet == sheet, below(DeliveryRow.region, region), DeliveryRow.fate.in_(_ARRIVED),
            )
        )  # fmt: skip
        query = select(ContactRow).where(ContactRow.id.in_(texted), ContactRow.hold != Hold.GONE, ~asked.exists())
        return list(session.scalars(query.order_by(ContactRow.id * 7919 % 10007, ContactRow.id).limit(SAMPLE)))

    def tick(self, session: Session, by: Account, contact_id: int, sheet: str, *, knew: bool) -> None:
        """Write down what somebody said at the door; a later word replaces an earlier one. Raises Refused."""
        contact = session.get(ContactRow, contact_id)
        if contact is None or not is_within(by, contact.region) or sheet not in self.sheets(session, contact.region):
            raise Refused("这个人不在您的村里，或者没有发过这件事。")
        session.merge(
            AwarenessRow(contact_id=contact_id, sheet=sheet, knew=knew, region=contact.region, account_id=by.id, at=self._now())
        )

    def rates(self, session: Session, region: str, sheet: str) -> list[Rate]:
        """By village, of those who were asked."""
        query = select(AwarenessRow.region, func.count(), func.sum(case((AwarenessRow.knew, 1), else_=0)))
        mine = query.where(AwarenessRow.sheet == sheet, below(AwarenessRow.region, region))
        rows = session.execute(mine.group_by(AwarenessRow.region).order_by(AwarenessRow.region))
        return [Rate(code, asked, knew) for code, asked, knew in rows]
