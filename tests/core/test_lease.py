"""Leases: one process at a time, and the next when it is gone."""

from __future__ import annotations

from datetime import timedelta

from core import clock
from core.database import Database
from core.lease import hold_lease

MINUTE = timedelta(minutes=1)


def test_one_holds_it_and_renews(database: Database) -> None:
    """The first takes it and keeps it; another waits until it has run out, and the first is then too late."""
    now = clock.now()
    tries = [("a", 0, True), ("b", 30, False), ("a", 50, True), ("b", 100, False), ("b", 110, True), ("a", 111, False)]
    for holder, second, expected in tries:
        with database.begin() as session:
            assert hold_lease(session, "sweep", holder, now + timedelta(seconds=second), MINUTE) is expected


def test_leases_of_different_jobs_do_not_meet(database: Database) -> None:
    """Another job has its own lease."""
    with database.begin() as session:
        assert hold_lease(session, "one", "a", clock.now(), MINUTE)
        assert hold_lease(session, "two", "b", clock.now(), MINUTE)
