"""Handing many cases to one person at once, and taking that back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from cadres.case import Case, Cases, Recusal, open_to
from core import clock
from core.accounts import Account
from core.database import Base
from core.errors import MingbaiError
from core.rights import Right, is_cadre, is_within, may, within

AT_ONCE = 500
UNDO_FOR = timedelta(minutes=30)


class NoSuchBatch(MingbaiError):
    """没有可以撤销的分派，或者已经过了30分钟。"""


class Batch(Base):
    """One assignment of many: ``was`` holds who had each case before, as JSON of [case, account or null]."""

    __tablename__ = "case_batches"
    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime]
    to_account: Mapped[int]
    was: Mapped[str] = mapped_column(Text)
    undone_at: Mapped[datetime | None] = mapped_column(default=None)


@dataclass(frozen=True)
class Handed:
    """How an assignment went: the batch to undo it by, and how many were left out because the person may not see them."""

    batch: int
    count: int
    left_out: int


class Bulk:
    """Every method works inside the caller's transaction."""

    def __init__(self, cases: Cases) -> None:
        self._cases = cases

    def people(self, session: Session, account: Account) -> list[Account]:
        """To whom an account may hand cases: the cadres of its place and below, those above the villages first."""
        if not may(account, Right.SUPERVISE):
            return []
        rows = session.scalars(select(Account).where(within(account, Account.region), Account.active.is_(True)))
        return sorted((row for row in rows if is_cadre(row)), key=lambda row: (len(row.region), row.region, row.name))

    def assign(self, session: Session, account: Account, ids: list[int], to: Account) -> Handed | None:
        """Hand open cases to somebody; None where the account may not. Cases that the person may not see are left out."""
        if to.id not in {person.id for person in self.people(session, account)}:
            return None
        mine = select(Case).where(
            Case.id.in_(ids[:AT_ONCE]), Case.closed_at.is_(None), within(account, Case.region), open_to(account)
        )
        kin = set(session.scalars(select(Recusal.case_id).where(Recusal.account_id == to.id)))
        was, left_out = [], 0
        for case in session.scalars(mine.order_by(Case.id).with_for_update()):
            if not is_within(to, case.region) or case.id in kin or (case.is_violence and not to.named):
                left_out += 1
                continue
            was.append((case.id, case.assignee_id))
            self._hand(session, account, case, to.id, "assign")
        batch = Batch(account_id=account.id, at=clock.now(), to_account=to.id, was=json.dumps(was))
        session.add(batch)
        session.flush()
        return Handed(batch.id, len(was), left_out)

    def undo(self, session: Session, account: Account, batch_id: int) -> int:
        """Give the cases of one's own batch back to who had them, unless somebody else has them by now. Raises NoSuchBatch."""
        own = select(Batch).where(Batch.id == batch_id, Batch.account_id == account.id, Batch.undone_at.is_(None))
        batch = session.scalars(own.with_for_update()).first()
        if batch is None or batch.at < clock.now() - UNDO_FOR:
            raise NoSuchBatch
        before = dict(json.loads(batch.was))
        still = select(Case).where(
            Case.id.in_(before), Case.closed_at.is_(None), Case.assignee_id == batch.to_account, within(account, Case.region)
        )
        given_back = session.scalars(still.order_by(Case.id).with_for_update()).all()
        for case in given_back:
            self._hand(session, account, case, before[case.id], "unassign")
        batch.undone_at = clock.now()
        return len(given_back)

    def _hand(self, session: Session, account: Account, case: Case, to: int | None, kind: str) -> None:
        case.assignee_id = to
        self._cases.note(session, case, account.id, kind, body={"to": str(to or "")})
