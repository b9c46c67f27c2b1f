"""What is due: a reminder before, an alert after, then up one level at a time."""

from __future__ import annotations

import pytest

from cadres.deadlines import Deadlines, overdue_for
from core.crypto import Vault
from core.database import Database
from tests.cadres.casework import Casework


@pytest.fixture
def work(database: Database, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> Casework:
    """A workflow with its people, on each kind of database."""
    made = Casework(vault, monkeypatch)
    with database.begin() as session:
        made.staff(session)
    return made


def test_an_overdue_case_climbs_to_the_county(database: Database, work: Casework) -> None:
    """Nobody acts: reminded, alerted, the township, the county, and then no more."""
    with database.begin() as session:
        case = work.report(session)
        deadlines, seen = Deadlines(work.cases), []
        for _ in range(24 * 8):
            if deadlines.sweep(session):
                event = work.cases.history(session, case)[-1][0]
                seen.append((event.kind, case.reach, (work.now - case.due_at).total_seconds() > 0))
            work.forward(hours=1)
        assert seen == [("remind", 12, False), ("overdue", 12, False), ("climb", 9, True), ("climb", 6, True)]
        assert case.next_warning_at is None
        assert overdue_for(case, work.now).days == 5


def test_who_acts_in_time_is_left_alone(database: Database, work: Casework) -> None:
    """A new step starts its own clock, at its own level; a paused case and a closed one are not due."""
    with database.begin() as session:
        deadlines = Deadlines(work.cases)
        moved, paused, closed = (work.report(session) for _ in range(3))
        work.do(session, "village", paused, "pause")
        work.do(session, "village", closed, "withdraw")
        work.forward(days=1, hours=12)
        work.do(session, "village", moved, "advance")
        assert deadlines.sweep(session) == 0
        work.forward(days=30)
        assert deadlines.sweep(session) == 1
        assert [case.warnings for case in (moved, paused, closed)] == [2, 0, 0]


def test_a_step_of_the_township_begins_with_the_township(database: Database, work: Casework) -> None:
    """Its level is called first, not the village's."""
    with database.begin() as session:
        case = work.report(session)
        work.do(session, "village", case, "advance")
        work.do(session, "village", case, "advance")
        assert (case.state, case.reach) == ("checking", 9)
