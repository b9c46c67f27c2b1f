"""Sweeps (排查): an officer opens one for a place; every household of it is looked at, until none is left out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKey, String, and_, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from cadres.case import Cases, Details
from cadres.household import Household
from core import clock
from core.accounts import Account
from core.crypto import Vault
from core.database import Base
from core.errors import MingbaiError
from core.regions import Regions
from core.rights import Right, below, is_cadre, is_within, may, within
from core.working_days import Limit, due_after

RESULTS = {"safe": "没有风险", "risk": "有风险，报一件", "away": "没见到人，下次再来"}
AT_ONCE = 50  # households shown to be looked at
LONGEST = 60  # days


class NoSuchSweep(MingbaiError):
    """没有这次排查，或者不在您的辖区。"""


class NotNow(MingbaiError):
    """这一户已经查过，或者排查已经结束。"""


class LeftOut(MingbaiError):
    """还有户没有查到，不能结束。"""


class Sweep(Base):
    """One sweep of a place and everything below it."""

    __tablename__ = "sweeps"
    id: Mapped[int] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(String(12), index=True)
    title: Mapped[str] = mapped_column(String(60))
    opened_by: Mapped[int]
    opened_at: Mapped[datetime]
    due_at: Mapped[datetime]
    closed_at: Mapped[datetime | None] = mapped_column(default=None)


class Check(Base):
    """That a household was looked at. ``happened_at``: when, which may be before it was entered. ``away`` is looked at again."""

    __tablename__ = "sweep_checks"
    sweep_id: Mapped[int] = mapped_column(ForeignKey("sweeps.id", ondelete="CASCADE"), primary_key=True)
    household_id: Mapped[int] = mapped_column(ForeignKey("households.id", ondelete="CASCADE"), primary_key=True)
    result: Mapped[str] = mapped_column(String(10))
    happened_at: Mapped[datetime]
    by: Mapped[int]
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id", ondelete="SET NULL"), default=None)


@dataclass(frozen=True)
class ToCheck:
    """A household that nobody has looked at, in clear."""

    id: int
    region: str
    name: str
    phone: str
    people: int
    away: bool


@dataclass(frozen=True)
class Coverage:
    """One village: how many households it has, how many were looked at, of them at risk."""

    region: str
    households: int
    checked: int
    risk: int

    @property
    def left(self) -> int:
        return self.households - self.checked


class Sweeps:
    """Every method works inside the caller's transaction and sees one account's jurisdiction."""

    def __init__(self, vault: Vault, cases: Cases, regions: Regions) -> None:
        self._vault, self._cases, self._regions = vault, cases, regions

    def open(self, session: Session, account: Account, region: str, title: str, days: int) -> Sweep | None:
        """A new sweep; None where the account may not, or what is asked is none."""
        known = self._regions.get(region) is not None
        allowed = may(account, Right.SUPERVISE) and account.role != "village" and is_within(account, region) and known
        if not allowed or not title or not 0 < days <= LONGEST:
            return None
        now = clock.now()
        sweep = Sweep(
            region=region, title=title[:LONGEST], opened_by=account.id, opened_at=now, due_at=due_after(now, Limit(days)).at
        )
        session.add(sweep)
        session.flush()
        return sweep

    def listed(self, session: Session, account: Account) -> list[Sweep]:
        """The sweeps that touch an account's place: of it, of a place below, of one above. Open ones first."""
        if not is_cadre(account):
            return []
        above = [account.region[:digits] for digits in (6, 9, 12) if digits <= len(account.region)]
        mine = or_(within(account, Sweep.region), Sweep.region.in_(above))
        return list(session.scalars(select(Sweep).where(mine).order_by(Sweep.closed_at.is_not(None), Sweep.id.desc())))

    def visible(self, session: Session, account: Account, sweep_id: int) -> Sweep:
        """One of them. Raises NoSuchSweep."""
        sweep = next((one for one in self.listed(session, account) if one.id == sweep_id), None)
        if sweep is None:
            raise NoSuchSweep
        return sweep

    def to_check(self, session: Session, account: Account, sweep: Sweep) -> list[ToCheck]:
        """Households of the account's place that are left, the ones where nobody was at home last."""
        left = (
            select(Household, Check.result)
            .outerjoin(Check, and_(Check.household_id == Household.id, Check.sweep_id == sweep.id))
            .where(within(account, Household.region), below(Household.region, sweep.region), _left())
            .order_by(Check.result.is_not(None), Household.region, Household.id)
            .limit(AT_ONCE)
        )
        return [
            ToCheck(
                row.id, row.region, self._vault.unseal(row.name), self._vault.unseal(row.phone) if row.phone else "", row.people,
                result is not None,
            )
            for row, result in session.execute(left)
        ]  # fmt: skip

    def check(self, session: Session, account: Account, sweep_id: int, household_id: int, result: str, found: str) -> Check:
        """Write down what was found; a household at risk becomes a case. Raises NoSuchSweep, NotNow."""
        sweep = self.visible(session, account, sweep_id)
        mine = within(account, Household.region), below(Household.region, sweep.region)
        household = session.scalars(select(Household).where(Household.id == household_id, *mine).with_for_update()).first()
        if household is None or result not in RESULTS:
            raise NoSuchSweep
        check = session.get(Check, (sweep.id, household.id), with_for_update=True, populate_existing=True)
        if sweep.closed_at is not None or (check is not None and check.result != "away"):
            raise NotNow
        if check is None:
            check = Check(sweep_id=sweep.id, household_id=household.id)
            session.add(check)
        check.result, check.happened_at, check.by = result, clock.now(), account.id
        if result == "risk":
            check.case_id = self._case(session, account, sweep, household, found)
        session.flush()
        return check

    def coverage(self, session: Session, account: Account, sweep: Sweep) -> list[Coverage]:
        """Each village of the account's place in the sweep, the one with most left first."""
        mine = within(account, Household.region), below(Household.region, sweep.region)
        counts = select(Household.region, func.count()).where(*mine).group_by(Household.region)
        there = {str(row[0]): int(row[1]) for row in session.execute(counts)}
        done = (
            select(Household.region, Check.result, func.count())
            .join(Check, Check.household_id == Household.id)
            .where(Check.sweep_id == sweep.id, *mine)
            .group_by(Household.region, Check.result)
        )
        results: dict[str, Counter[str]] = {code: Counter() for code in there}
        for code, result, count in session.execute(done):
            results[code][result] = count
        rows = [
            Coverage(code, count, results[code]["safe"] + results[code]["risk"], results[code]["risk"])
            for code, count in there.items()
        ]
        return sorted(rows, key=lambda row: (-row.left, row.region))

    def close(self, session: Session, account: Account, sweep_id: int) -> None:
        """End a sweep in which nobody is left out. Raises NoSuchSweep, LeftOut."""
        sweep = self.visible(session, account, sweep_id)
        if not is_within(account, sweep.region) or not may(account, Right.SUPERVISE):
            raise NoSuchSweep  # it is of a place above
        if any(row.left for row in self.coverage(session, account, sweep)):
            raise LeftOut
        sweep.closed_at = clock.now()

    def _case(self, session: Session, account: Account, sweep: Sweep, household: Household, found: str) -> int:
        phone = self._vault.unseal(household.phone) if household.phone else ""
        place = self._regions.spoken(household.region)
        details = Details(found or "排查发现有风险", place, phone, name=self._vault.unseal(household.name))
        case = self._cases.open(
            session, f"desk:{account.id}", household.region, details, [("cadre", details.event)], origin="sweep"
        )
        case.official_number = household.official
        self._cases.note(session, case, account.id, "typed", body={"sweep": str(sweep.id)})
        return case.id


def _left() -> ColumnElement[bool]:
    return or_(Check.result.is_(None), Check.result == "away")
