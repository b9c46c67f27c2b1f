"""Questions to a department about a case, with a deadline; the department sees the question, not the case."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKey, Index, LargeBinary, String, and_, false, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from cadres.case import Case, number_of
from core import clock
from core.accounts import Account
from core.crypto import Vault
from core.database import Base
from core.errors import MingbaiError
from core.rights import Right, below, may
from core.working_days import Limit, due_after

ANSWER_LIMIT = 1000


class NoSuchReferral(MingbaiError):
    """没有这件转办，或者不归您的部门。"""


class Referral(Base):
    """One question. ``region`` is the case's place when it was asked."""

    __tablename__ = "case_referrals"
    __table_args__ = (Index("ix_case_referrals_unit", "unit", "region"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"), index=True)
    unit: Mapped[str] = mapped_column(String(20))
    region: Mapped[str] = mapped_column(String(12))
    asked_by: Mapped[int]
    asked_at: Mapped[datetime]
    due_at: Mapped[datetime]
    question: Mapped[bytes] = mapped_column(LargeBinary)
    answered_by: Mapped[int | None] = mapped_column(default=None)
    answered_at: Mapped[datetime | None] = mapped_column(default=None)
    answer: Mapped[bytes | None] = mapped_column(LargeBinary, default=None)


@dataclass(frozen=True)
class Asked:
    """A question in clear; without an answer that is empty."""

    id: int
    number: str
    unit: str
    region: str
    question: str
    answer: str
    asked_at: datetime
    due_at: datetime
    answered_at: datetime | None


class Referrals:
    """Every method works inside the caller's transaction."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def ask(self, session: Session, account: Account, case: Case, unit: str, question: str, limit: Limit) -> Referral:
        """A new question to a department. Whether the account may is the caller's business."""
        now = clock.now()
        referral = Referral(
            case_id=case.id, unit=unit, region=case.region, asked_by=account.id, asked_at=now, due_at=due_after(now, limit).at,
            question=self._vault.seal(question),
        )  # fmt: skip
        session.add(referral)
        session.flush()
        return referral

    def answer(self, session: Session, account: Account, referral_id: int, text: str) -> Referral:
        """The department's answer, once. Raises NoSuchReferral, for other departments' and answered ones too."""
        mine = select(Referral).where(Referral.id == referral_id, _addressed(account), Referral.answered_at.is_(None))
        referral = session.scalars(mine.with_for_update()).first()
        if referral is None:
            raise NoSuchReferral
        referral.answer, referral.answered_at, referral.answered_by = self._vault.seal(text), clock.now(), account.id
        return referral

    def listed(self, session: Session, account: Account, limit: int = 200) -> list[Asked]:
        """What a department is asked: open ones first, the earliest deadline first."""
        rows = session.scalars(
            select(Referral).where(_addressed(account)).order_by(Referral.answered_at.is_not(None), Referral.due_at).limit(limit)
        )
        return [self._clear(row) for row in rows]

    def of_case(self, session: Session, case: Case) -> list[Asked]:
        rows = session.scalars(select(Referral).where(Referral.case_id == case.id).order_by(Referral.id))
        return [self._clear(row) for row in rows]

    def _clear(self, row: Referral) -> Asked:
        answer = self._vault.unseal(row.answer) if row.answer else ""
        return Asked(
            row.id, number_of(row.case_id), row.unit, row.region, self._vault.unseal(row.question), answer, row.asked_at,
            row.due_at, row.answered_at,
        )  # fmt: skip


def _addressed(account: Account) -> ColumnElement[bool]:
    if not may(account, Right.ANSWER_REFERRALS) or not account.unit:
        return false()
    return and_(Referral.unit == account.unit, below(Referral.region, account.region))
