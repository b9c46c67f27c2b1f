"""Figures of a place: what was reported, how it went, how long it took, which villages are silent. They add up to the ledger."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from statistics import median

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from cadres.case import OPEN, Case, CaseEvent, Cases, open_to
from core import clock
from core.accounts import Account
from core.regions import Regions
from core.rights import Right, below, is_within, may

BELOW = {6: 9, 9: 12, 12: 12}  # digits of a place, and of those that its table lists
MONTHS = 12


@dataclass
class Row:
    """One place's numbers. ``visit_hours``: from report to first visit, of each case that was visited."""

    place: str
    states: Counter[str] = field(default_factory=Counter)
    overdue: int = 0
    visit_hours: list[float] = field(default_factory=list)

    @property
    def reported(self) -> int:
        return sum(self.states.values())

    @property
    def open(self) -> int:
        return sum(self.states[state] for state in OPEN)

    @property
    def visit_median(self) -> float | None:
        return median(self.visit_hours) if self.visit_hours else None


@dataclass(frozen=True)
class Figures:
    """A place's figures for a time: each place below it, all together, steps that were late, ways in, silent villages."""

    rows: list[Row]
    total: Row
    late: Counter[str]
    origins: Counter[str]
    paused: Counter[str]
    silent: list[str]


@dataclass(frozen=True)
class Refusal:
    """A refusal for the auditor: its number and reasons, nobody's name."""

    number: str
    region: str
    clause: str
    other_help: str
    at: datetime


def figures(session: Session, regions: Regions, account: Account, region: str, since: date, until: date) -> Figures | None:
    """Of the cases reported from ``since`` to ``until``, both included. None for a place that is not the account's."""
    if not may(account, Right.SUPERVISE) or not is_within(account, region) or len(region) not in BELOW:
        return None
    asked = and_(
        below(Case.region, region), open_to(account), Case.created_at >= _start(since), Case.created_at < _start(until, 1)
    )
    place = func.substr(Case.region, 1, BELOW[len(region)])
    rows: dict[str, Row] = {child.code: Row(child.code) for child in regions.children(region)}
    for code, state, count in session.execute(select(place, Case.state, func.count()).where(asked).group_by(place, Case.state)):
        rows.setdefault(code, Row(code)).states[state] += count
    overdue = and_(asked, Case.closed_at.is_(None), Case.paused_at.is_(None), Case.due_at < clock.now())
    for code, count in session.execute(select(place, func.count()).where(overdue).group_by(place)):
        rows[code].overdue = count
    for code, hours in _visits(session, asked, place):
        rows[code].visit_hours.append(hours)
    listed = sorted(rows.values(), key=lambda row: row.place)
    return Figures(
        listed, _sum(region, listed), _late(session, asked), _counted(session, asked, Case.origin),
        _counted(session, and_(asked, Case.paused_at.is_not(None)), Case.pause_reason), _silent(session, regions, region, asked),
    )  # fmt: skip


def by_month(session: Session, account: Account, region: str) -> list[tuple[str, int]]:
    """How many were reported in each of the last twelve months, oldest first."""
    month, counts = clock.today().replace(day=1), list[tuple[str, int]]()
    for _ in range(MONTHS):
        after = (month + timedelta(days=32)).replace(day=1)
        reported = and_(
            below(Case.region, region), open_to(account), Case.created_at >= _start(month), Case.created_at < _start(after)
        )
        counts.append((f"{month.year}年{month.month}月", session.scalar(select(func.count()).where(reported)) or 0))
        month = (month - timedelta(days=1)).replace(day=1)
    return counts[::-1]


def refusal_sample(session: Session, cases: Cases, account: Account, count: int, seed: str) -> list[Refusal]:
    """A random sample of refusals with their reasons, for the auditor; the same seed draws the same ones."""
    if not may(account, Right.READ_AUDIT):
        return []
    refused = (
        select(CaseEvent.id)
        .join(Case, Case.id == CaseEvent.case_id)
        .where(below(Case.region, account.region), CaseEvent.kind == "advance", CaseEvent.after == "refused")
    )
    ids = list(session.scalars(refused.order_by(CaseEvent.id)))
    drawn = random.Random(seed).sample(ids, min(count, len(ids)))  # noqa: S311  # to be drawn again, not to be secret
    rows = session.execute(select(CaseEvent, Case).join(Case, Case.id == CaseEvent.case_id).where(CaseEvent.id.in_(drawn)))
    found = []
    for event, case in rows:
        body = cases.written(event)
        found.append(Refusal(case.number, case.region, body.get("clause", ""), body.get("other_help", ""), event.at))
    return sorted(found, key=lambda one: one.at)


def _visits(session: Session, asked: ColumnElement[bool], place: ColumnElement[str]) -> Iterable[tuple[str, float]]:
    visited = or_(CaseEvent.kind == "visited", and_(CaseEvent.kind == "advance", CaseEvent.before == "accepted"))
    first = (
        select(place.label("place"), Case.created_at, func.min(CaseEvent.happened_at).label("first"))
        .join(CaseEvent, CaseEvent.case_id == Case.id)
        .where(asked, visited)
        .group_by(Case.id, place, Case.created_at)
    )
    for row in session.execute(first):
        lasted = clock.as_utc(row.first) - clock.as_utc(row.created_at)
        yield row.place, max(lasted.total_seconds(), 0) / 3600


def _late(session: Session, asked: ColumnElement[bool]) -> Counter[str]:
    late = select(CaseEvent.before, func.count()).join(Case, Case.id == CaseEvent.case_id).where(asked, CaseEvent.late.is_(True))
    return Counter({str(row[0]): int(row[1]) for row in session.execute(late.group_by(CaseEvent.before))})


def _counted(session: Session, condition: ColumnElement[bool], column: InstrumentedAttribute[str]) -> Counter[str]:
    counts = session.execute(select(column, func.count()).where(condition).group_by(column))
    return Counter({str(row[0]): int(row[1]) for row in counts})


def _silent(session: Session, regions: Regions, region: str, asked: ColumnElement[bool]) -> list[str]:
    heard = set(session.scalars(select(Case.region).where(asked).distinct()))
    return [village.code for village in regions.villages(region) if village.code not in heard]


def _sum(region: str, rows: list[Row]) -> Row:
    total, states = Row(region), defaultdict[str, int](int)
    for row in rows:
        for state, count in row.states.items():
            states[state] += count
        total.overdue += row.overdue
        total.visit_hours += row.visit_hours
    total.states = Counter(states)
    return total


def _start(day: date, after: int = 0) -> datetime:
    return datetime.combine(day + timedelta(days=after), time(), clock.CHINA)
