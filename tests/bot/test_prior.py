"""The odds of a follow-up: raised after an answer, lowered without one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.prior import FOLLOW_UP, OFTEN, reweighed

CHANCES = st.dictionaries(st.sampled_from(["ask_policy", "out_of_scope", FOLLOW_UP, "greet"]), st.floats(0.001, 1), min_size=1)


def test_a_short_question_after_an_answer_follows_it() -> None:
    """What may be anything is a follow-up where there is something to follow, and not where there is nothing."""
    chances = {"out_of_scope": 0.7, FOLLOW_UP: 0.2, "ask_policy": 0.1}

    assert next(iter(reweighed(chances, "几多钱", True))) == FOLLOW_UP
    assert next(iter(reweighed({"out_of_scope": 0.3, FOLLOW_UP: 0.5}, "几多钱", False))) == "out_of_scope"


def test_what_points_back_follows_more_easily() -> None:
    """«那个…» after an answer means what was said before; with nothing before it, it means nothing of the kind."""
    chances = {"out_of_scope": 0.9, FOLLOW_UP: 0.1}

    assert next(iter(reweighed(chances, "低保几时发", True))) == "out_of_scope"
    assert next(iter(reweighed(chances, "那个几时发", True))) == FOLLOW_UP
    assert next(iter(reweighed(chances, "那个几时发", False))) == "out_of_scope"


def test_a_question_is_likelier_than_small_talk() -> None:
    """Most messages are questions; a long tale may as well be a report."""
    chances = {"greet": 0.5, "ask_policy": 0.4}
    told = {"ask_policy": 0.45, "report_hardship": 0.4}

    assert next(iter(reweighed(chances, "低保", False))) == "ask_policy"
    assert next(iter(reweighed(told, "低保", False))) == "ask_policy"
    assert next(iter(reweighed(told, "我家的事，" * 20, False))) == "report_hardship"


@given(CHANCES, st.booleans())
def test_nothing_else_changes(chances: dict[str, float], has_topic: bool) -> None:
    """The sum stays, the order of the other intents stays, the most likely stands first."""
    weighed = reweighed(chances, "几多钱", has_topic)

    assert sum(weighed.values()) == pytest.approx(sum(chances.values()))
    assert list(weighed.values()) == sorted(weighed.values(), reverse=True)
    moved = {FOLLOW_UP, *OFTEN}
    others = [intent for intent in sorted(chances, key=lambda intent: -chances[intent]) if intent not in moved]
    assert [weighed[intent] for intent in others] == sorted((weighed[intent] for intent in others), reverse=True)
