"""The pre-check's engine: an outcome always, never an exception, never a promise."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_base.criteria import Criteria
from knowledge_base.precheck import UNKNOWN, VERDICTS, BadAnswer, PreCheck, read_answer, spoken
from tests.knowledge_base.criteria_cases import criteria
from tests.knowledge_base.test_criteria import WITH_CRITERIA

LINE = {"line": 8000}
ALL = {"rural": True, "people": 4, "income": 20_000, "trouble": "ill"}


def outcome(**answers: Any) -> Any:
    """What some answers point to."""
    return PreCheck(criteria(), LINE).outcome(answers)


def test_low_income_and_trouble_point_to_likely() -> None:
    """The reason carries the county's figure, its clause, year and source, and what a cadre will check."""
    found = outcome(**ALL)
    assert found.verdict == "likely"
    (reason,) = found.reasons
    assert reason.text == "有难处，人均收入在8000元以内。"
    assert (reason.clause, reason.check, reason.year) == ("明白纸第一条", "上门看。", 2024)
    assert "2024年" in reason.source


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"trouble": "none"}, "unlikely"),
        ({"income": 400_000}, "unsure"),
        ({"rural": False}, "unsure"),  # no rule speaks: nothing is claimed
        ({"income": 32_000}, "likely"),
        ({"income": 32_003}, "likely"),
        ({"income": 32_004, "trouble": "house"}, "unsure"),
    ],
)
def test_each_way_the_answers_point(changes: dict[str, Any], verdict: str) -> None:
    """Likely, unlikely, unsure; where no rule speaks, unsure."""
    assert outcome(**{**ALL, **changes}).verdict == verdict


@pytest.mark.parametrize("question", list(ALL))
@pytest.mark.parametrize("how", ["unknown", "missing"])
def test_an_answer_that_is_not_known_leads_to_unsure(question: str, how: str) -> None:
    """«不知道» to any question, or no answer, is «说不准», and the question is named."""
    answers = {key: value for key, value in ALL.items() if key != question}
    if how == "unknown":
        answers[question] = None
    found = outcome(**answers)
    assert found.verdict == "unsure"
    assert [asked.id for asked in found.unknown] == [question]


def test_questions_are_put_in_order_and_each_once() -> None:
    """An unknown answer counts as put."""
    check, answers, put = PreCheck(criteria(), LINE), {}, []
    while (question := check.next_question(answers)) is not None:
        put.append(question.id)
        answers[question.id] = None
    assert put == ["rural", "people", "income", "trouble"]


@pytest.mark.parametrize(
    ("question", "said", "value"),
    [
        ("rural", "yes", True),
        ("rural", "no", False),
        ("trouble", "house", "house"),
        ("people", "4", 4),
        ("income", "0", 0),
        ("income", UNKNOWN, None),
    ],
)
def test_forms_and_buttons_are_read(question: str, said: str, value: Any) -> None:
    """Each type of question takes its own answers."""
    asked = criteria().question(question)
    assert asked is not None
    assert read_answer(asked, said) == value


@pytest.mark.parametrize(
    ("question", "said"),
    [("rural", "maybe"), ("trouble", "other"), ("people", "0"), ("people", "21"), ("income", "-1"), ("income", "１２"),
     ("income", "9" * 40), ("income", ""), ("rural", ""), ("people", "3.5")],
)  # fmt: skip
def test_other_answers_are_refused_in_chinese(question: str, said: str) -> None:
    """What does not fit is asked again, with the bounds of a number."""
    asked = criteria().question(question)
    assert asked is not None
    with pytest.raises(BadAnswer) as refused:
        read_answer(asked, said)
    assert not str(refused.value).isascii()


def answers_to(found: Criteria) -> st.SearchStrategy[dict[str, Any]]:
    """Any answers that can be given: each question answered, unknown, or not put."""
    values = {
        "yesno": lambda question: st.booleans(),
        "choice": lambda question: st.sampled_from(list(question.options)),
        "number": lambda question: st.integers(question.least, question.most),
    }
    return st.fixed_dictionaries(
        {}, optional={question.id: st.none() | values[question.type](question) for question in found.questions}
    )


@given(st.data())
def test_an_outcome_always_and_no_promise(data: st.DataObject) -> None:
    """Whatever the answers and the county's figures, there is one of three outcomes, and no text promises anything."""
    sheet = data.draw(st.sampled_from(WITH_CRITERIA))
    found = sheet.criteria
    figures = {figure.id: data.draw(st.integers(1, 100_000)) for figure in found.figures}
    answers = data.draw(answers_to(found))
    check = PreCheck(found, figures)
    result = check.outcome(answers)
    assert result.verdict in VERDICTS
    if len(answers) < len(found.questions) or None in answers.values():
        assert result.verdict == "unsure"
    for reason in result.reasons:
        said = reason.text + reason.check
        assert re.search(r"您符合|肯定|保证|一定能|一定行|没资格|没份|{|}", said) is None
        assert reason.clause
        assert 2000 <= reason.year <= 2100
        assert reason.source
    assert [text for text, _ in check.told(answers)] == [q.text for q in found.questions if q.id in answers]


@given(st.data())
def test_published_rules_cover_every_full_answer(data: st.DataObject) -> None:
    """With all questions answered, some rule of a published sheet speaks, so that there is always a reason."""
    found = data.draw(st.sampled_from(WITH_CRITERIA)).criteria
    full = {
        question.id: data.draw(
            st.booleans() if question.type == "yesno"
            else st.sampled_from(list(question.options)) if question.type == "choice"
            else st.integers(question.least, question.most)
        )
        for question in found.questions
    }  # fmt: skip
    assert PreCheck(found, {figure.id: figure.value or 5000 for figure in found.figures}).outcome(full).reasons


def test_no_verdict_says_that_one_qualifies() -> None:
    """The three outcomes are the only ones."""
    assert list(VERDICTS.values()) == ["很可能符合", "说不准", "可能不符合"]


def test_answers_in_words() -> None:
    """What is carried into a report reads as people talk."""
    questions = criteria().questions
    assert [spoken(questions[0], True), spoken(questions[0], False), spoken(questions[1], 4)] == ["是", "不是", "4口人"]
    assert [spoken(questions[3], "ill"), spoken(questions[3], None)] == ["大病", "不知道"]
