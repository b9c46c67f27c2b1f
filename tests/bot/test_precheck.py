"""Typed answers to a pre-check's questions."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.precheck import is_answer, read_typed, wants_to_leave
from knowledge_base.precheck import BadAnswer
from tests.knowledge_base.criteria_cases import criteria

QUESTIONS = {question.id: question for question in criteria().questions}


@pytest.mark.parametrize(
    ("question", "said", "value"),
    [
        ("rural", "是", True), ("rural", "是的", True), ("rural", "对啊", True), ("rural", "有。", True), ("rural", "系", True),
        ("rural", "不是", False), ("rural", "没有", False), ("rural", "冇", False), ("rural", "没得", False),
        ("rural", "唔系", False),
        ("rural", "不知道", None), ("rural", "我不清楚", None), ("rural", "唔知", None), ("rural", "记不得", None),
        ("people", "4", 4), ("people", "四口人", 4), ("people", "有5个人", 5), ("people", "两个", 2), ("people", "十二", 12),
        ("income", "三万", 30_000), ("income", "三万五", 35_000), ("income", "3万5", 35_000), ("income", "大概八千多", 8000),
        ("income", "1.5万元", 15_000), ("income", "一千二", 1200), ("income", "12,000", 12_000), ("income", "没有", 0),
        ("income", "五百块钱左右", 500), ("income", "２万", 20_000),
        ("trouble", "大病", "ill"), ("trouble", "第二个", "house"), ("trouble", "3", "none"), ("trouble", "一", "ill"),
        ("trouble", "都没有", "none"), ("trouble", "房子不安全", "house"), ("trouble", "没有", "none"),
    ],
)  # fmt: skip
def test_answers_as_people_type_them(question: str, said: str, value: Any) -> None:
    """Standard, dialect, words for numbers, places in the list."""
    assert read_typed(QUESTIONS[question], said) == value


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("rural", "农村户口是什么意思？"), ("rural", "低保怎么办"), ("rural", ""), ("rural", "?"), ("rural", "好的"),
        ("rural", "是不是农村户口有什么要紧"), ("people", "很多"), ("income", "我老公住院花了三万块，现在家里没钱了怎么办"),
        ("trouble", "4"), ("trouble", "头痛"), ("trouble", "0"),
    ],
)  # fmt: skip
def test_questions_and_stories_are_no_answers(question: str, said: str) -> None:
    """They go to the assistant, which answers them first."""
    assert not is_answer(QUESTIONS[question], said)


def test_a_number_out_of_bounds_is_asked_again() -> None:
    """It is an answer, but one that cannot be: the bounds are said."""
    assert is_answer(QUESTIONS["people"], "三百口人")
    with pytest.raises(BadAnswer, match="1到20"):
        read_typed(QUESTIONS["people"], "三百口人")


@pytest.mark.parametrize("said", ["不查了", "算了", "不答了。", "先不查了", "退出", "停"])
def test_the_wish_to_leave(said: str) -> None:
    """One may leave at any time, in one's own words."""
    assert wants_to_leave(said)


@given(
    st.sampled_from(list(QUESTIONS)),
    st.text(max_size=40) | st.text("零一二两三四五六七八九十百千万亿点0123456789.,第个元", max_size=12),
)
def test_any_text_is_read_or_refused(name: str, said: str) -> None:
    """Whatever is typed: a value that the question allows, «不知道», or our own refusal."""
    question = QUESTIONS[name]
    try:
        value = read_typed(question, said)
    except BadAnswer:
        return
    allowed = {
        "yesno": value in (True, False),
        "choice": value in (question.options or {}),
        "number": isinstance(value, int) and question.least <= value <= question.most,
    }
    assert value is None or allowed[question.type]
