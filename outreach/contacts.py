"""The people on the list: found by number, counted by place, two entries of one person merged and taken apart again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import clock
from core.crypto import Vault
from core.errors import MingbaiError
from core.rights import below
from outreach.categories import names_of
from outreach.phones import masked
from outreach.reading import address_key, unsealed
from outreach.tables import ContactRow, Hold, MergeRow


class CannotMerge(MingbaiError):
    """这两条不能合并：要是同一个村的两个人，而且都还在名单上。"""


@dataclass(frozen=True)
class Person:
    """One entry as the desk shows it; the number is masked."""

    id: int
    name: str
    phone: str
    region: str
    categories: list[str]
    hold: Hold
    shared: bool
    language: str


class Contacts:
    """Look-ups and changes of entries. Every method works inside the caller's transaction."""

    def __init__(self, vault: Vault, now: Callable[[], datetime] = clock.now) -> None:
        self._vault, self._now = vault, now

    def by_number(self, session: Session, number: str, region: str) -> list[Person]:
        """Who has a number (E.164) in a place. Several: the phone is shared."""
        address = address_key(self._vault, number)
        query = select(ContactRow).where(ContactRow.address == address, below(ContactRow.region, region))
        rows = session.scalars(query.where(ContactRow.hold != Hold.GONE).order_by(ContactRow.id))
        return [self.person(row) for row in rows]

    def counts(self, session: Session, region: str) -> dict[Hold, int]:
        """How many entries a place has, by what keeps them from broadcasts."""
        query = select(ContactRow.hold, func.count()).where(
            ContactRow.hold.in_([int(hold) for hold in Hold]), below(ContactRow.region, region)
        )
        return {Hold(hold): count for hold, count in session.execute(query.group_by(ContactRow.hold))}

    def merge(self, session: Session, kept: int, gone: int, account_id: int) -> None:
        """Two entries are one person: ``gone`` leaves the list, its categories go over. Raises CannotMerge."""
        keep, leave = (session.get(ContactRow, each, with_for_update=True) for each in (kept, gone))
        if keep is None or leave is None or kept == gone or keep.region != leave.region:
            raise CannotMerge
        if Hold.GONE in (keep.hold, leave.hold):
            raise CannotMerge
        session.add(
            MergeRow(
                kept=kept, gone=gone, hold_before=leave.hold, categories_before=keep.categories, at=self._now(),
                account_id=account_id,
            )
        )  # fmt: skip
        keep.categories, leave.hold = keep.categories | leave.categories, int(Hold.GONE)

    def undo_merge(self, session: Session, gone: int) -> bool:
        """Put the entry back that a merge took off the list. False where there was none."""
        merge = session.get(MergeRow, gone, with_for_update=True)
        if merge is None:
            return False
        keep, back = session.get_one(ContactRow, merge.kept), session.get_one(ContactRow, gone)
        keep.categories, back.hold = merge.categories_before, merge.hold_before
        session.delete(merge)
        return True

    def person(self, row: ContactRow) -> Person:
        number, name = unsealed(self._vault, row.sealed)
        return Person(
            row.id, name, masked(number) if number else "", row.region, names_of(row.categories), Hold(row.hold), row.shared,
            row.language,
        )  # fmt: skip
