"""Turns: found by id while they are open, out of reach once closed."""

from __future__ import annotations

import threading

from bot.kinds import KIND_OF
from bot.turn import Turn, Turns
from channels.message import CaseView, Inbound, Reply, Source
from tests.fakes import COUNTY


def turn(message_id: str = "m1") -> Turn:
    """A fresh turn."""
    return Turn(Inbound(message_id, "c", "低保"), "低保", COUNTY)


def test_an_open_turn_is_found() -> None:
    """Only the turn of that id is found."""
    turns, opened = Turns(), turn()
    turns.open(opened)
    assert turns.get("m1") is opened
    assert turns.get("m2") is None
    assert turns.get("") is None


def test_a_closed_turn_cannot_be_reached() -> None:
    """After closing the turn is not found, and closing again does nothing."""
    turns, opened, other = Turns(), turn(), turn("m2")
    turns.open(opened)
    turns.open(other)
    turns.close(opened)
    turns.close(opened)
    assert turns.get("m1") is None
    assert turns.get("m2") is other


def test_closing_waits_for_an_action_at_work() -> None:
    """While an action holds the turn, closing waits; the turn is gone only afterwards."""
    turns, opened = Turns(), turn()
    turns.open(opened)
    closed = threading.Event()

    def close() -> None:
        turns.close(opened)
        closed.set()

    with opened.lock:
        closing = threading.Thread(target=close)
        closing.start()
        assert not closed.wait(0.1)
        assert turns.get("m1") is opened
    closing.join(2)
    assert closed.is_set()
    assert turns.get("m1") is None


def test_the_answer_says_what_became_of_it() -> None:
    """The answer has the message's id, the kind of its intent, sources and case."""
    answered = turn()
    answered.intent, answered.confidence = "ask_status", 0.12345
    answered.sources, answered.case = [Source("dibao", "how", "题", 0.5, "/x")], CaseView("100016", "routine", "已上报")
    answer = answered.answer([Reply("好")])
    assert (answer.message_id, answer.understood.kind, answer.understood.intent, answer.understood.confidence) == (
        "m1",
        "status",
        "ask_status",
        0.123,
    )
    assert (answer.sources, answer.case) == (answered.sources, answered.case)


def test_a_skill_may_name_the_kind() -> None:
    """The kind that a skill sets wins over the intent's, and an unknown intent is out of scope."""
    answered = turn()
    answered.intent, answered.kind = "greet", "policy"
    assert answered.answer([]).understood.kind == "policy"
    answered.intent, answered.kind = "never heard of", None
    assert answered.answer([]).understood.kind == "oos"


def test_two_turns_share_nothing() -> None:
    """Each turn has a lock and sources of its own, and starts as not understood."""
    first, second = turn(), turn()
    first.sources.append(Source("dibao", "how", "题", 0.5, "/x"))
    assert second.sources == []
    assert first.lock is not second.lock
    assert KIND_OF[first.intent] == "oos"


def test_an_idle_turn_is_closed_without_waiting() -> None:
    """Where an action is at work on it, it stays open, and closing has to wait."""
    turns, opened = Turns(), turn()
    turns.open(opened)
    with opened.lock:
        assert not turns.close_idle(opened)
        assert turns.get("m1") is opened
    assert turns.close_idle(opened)
    assert turns.get("m1") is None
    assert not opened.lock.locked()
