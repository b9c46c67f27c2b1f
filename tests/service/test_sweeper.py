"""The sweeper: one process does the round; villagers are told; calls are delivered until they are."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from bot.skills import Shared
from bot.telling import Telling
from cadres.alert import Alert, Call, Notify
from cadres.case import Details
from cadres.deadlines import Deadlines
from cadres.handoff import Handoff
from channels.journal import Journal
from core import clock
from core.errors import MingbaiError
from service.sweeper import Sweeper
from tests.cadres.people import staff
from tests.fakes import VILLAGE


def sweeper(shared: Shared, journal: Journal, notify: Notify) -> Sweeper:
    """A sweeper over the shared parts."""
    return Sweeper(
        database=shared.database, alerts=shared.alerts, handoffs=shared.handoffs,
        deadlines=Deadlines(shared.cases), telling=Telling(shared, journal),
        notify=notify, digest=lambda: 0, forget=lambda: 0, every_s=1,
    )  # fmt: skip


def ring(shared: Shared) -> str:
    """An urgent case with its alert; gives the number."""
    with shared.database.begin() as session:
        staff(session)
        case = shared.cases.open(session, "c", VILLAGE, Details(event="救命"), [("villager", "救命")], danger="medical")
        shared.alerts.start(session, case, "s")
        return case.number


def past_due(shared: Shared, table: type) -> None:
    """Let the time of everything that waits be over."""
    with shared.database.begin() as session:
        session.execute(update(table).values(due_at=clock.now() - timedelta(seconds=1)))


def told(journal: Journal) -> list[str]:
    """The notices of the villager."""
    return [line.text for line in journal.lines("c")]


def test_calls_are_delivered_and_not_again(shared: Shared, journal: Journal) -> None:
    """Both people are called in the first round, nobody in the next, the county when the time is over."""
    calls: list[Call] = []
    number = ring(shared)
    rounds = sweeper(shared, journal, calls.append)
    assert rounds.round()
    assert [(call.number, call.region) for call in calls] == [(number, VILLAGE)] * 2
    rounds.round()
    assert len(calls) == 2
    assert told(journal) == [], "nothing is said before the time is over"
    past_due(shared, Alert)
    rounds.round()
    assert len(calls) == 3
    assert [number in text and "110" in text for text in told(journal)] == [True]


def test_a_way_that_fails_is_tried_again(shared: Shared, journal: Journal) -> None:
    """One call that does not get through stops neither the others nor its own next try."""
    calls: list[Call] = []

    def first_fails(call: Call) -> None:
        calls.append(call)
        if len(calls) == 1:
            raise MingbaiError

    ring(shared)
    rounds = sweeper(shared, journal, first_fails)
    rounds.round()
    rounds.round()
    assert [call.id for call in calls] == [calls[0].id, calls[1].id, calls[0].id]


def test_one_process_goes_round(shared: Shared, journal: Journal) -> None:
    """A second sweeper does nothing while the first holds the lease."""
    calls: list[Call] = []
    ring(shared)
    first, second = (sweeper(shared, journal, calls.append) for _ in range(2))
    assert first.round()
    past_due(shared, Alert)
    assert not second.round()
    assert len(calls) == 2
    assert first.round()


def test_a_request_that_nobody_takes(shared: Shared, journal: Journal) -> None:
    """After the last level the villager is told whom to call."""
    with shared.database.begin() as session:
        staff(session)
        shared.handoffs.request(session, "c", VILLAGE, "m1")
    rounds = sweeper(shared, journal, lambda call: None)
    for _ in range(3):
        past_due(shared, Handoff)
        rounds.round()
    assert told(journal) == [shared.texts.say("handoff_nobody", contact="12345")]


def test_an_overdue_case_is_warned_of(shared: Shared, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A round writes the alert of a deadline that passed into the case's history."""
    with shared.database.begin() as session:
        case = shared.cases.open(session, "c", VILLAGE, Details(event="住院"), [("villager", "住院")])
    later = case.due_at + timedelta(hours=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert sweeper(shared, journal, lambda call: None).round()
    with shared.database.read() as session:
        assert [event.kind for event, _ in shared.cases.history(session, case)] == ["overdue"]
