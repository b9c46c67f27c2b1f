"""The pre-check as a page, and its way into a report."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from bot.records import Conversation
from channels.journal import InboundRow
from knowledge_base.precheck import VERDICTS
from tests.checking import confirm_it

PAGE = "/sheets/45/dibao/precheck"
ANSWERS = {"rural": "yes", "people": "4", "income": "20000", "trouble": "ill"}


def test_off_until_confirmed(pages: SimpleNamespace) -> None:
    """No page, no outcome, no report, before the county confirmed."""
    assert pages.villager.get(PAGE).status_code == 404
    assert pages.villager.post(PAGE, data=ANSWERS).status_code == 404
    assert pages.villager.post(f"{PAGE}/report", data=ANSWERS).status_code == 404


@pytest.fixture
def confirmed(pages: SimpleNamespace) -> SimpleNamespace:
    """The county has confirmed."""
    confirm_it(pages.site.database)
    return pages


def test_every_question_says_why_and_may_be_left_open(confirmed: SimpleNamespace) -> None:
    """Each question with its reason and «不知道»; the year and the county's figure stand there."""
    page = confirmed.villager.get(PAGE).text
    assert page.count("<fieldset") == page.count("为什么问：") == 4
    assert page.count('value="unknown"') == 4
    assert "2024年" in page
    assert "8000元/人·年（示例）" in page


def test_the_outcome_and_what_it_rests_on(confirmed: SimpleNamespace) -> None:
    """Outcome, reason, clause, year, what a cadre will check, and that one may report all the same."""
    page = confirmed.villager.post(PAGE, data=ANSWERS).text
    for words in (
        "很可能符合",
        "人均收入在8000元以内",
        "明白纸第一条",
        "2024年",
        "干部会核：上门看。",
        "照样可以报",
        "带着这些去申报",
    ):
        assert words in page


def test_nothing_is_kept_of_a_page(confirmed: SimpleNamespace) -> None:
    """Working out an outcome writes nothing."""
    confirmed.villager.post(PAGE, data=ANSWERS)
    with confirmed.site.database.read() as session:
        assert session.scalars(select(Conversation)).all() == []
        assert session.scalars(select(InboundRow)).all() == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rural": ""}, "还没有答"),
        ({"people": "0"}, "1到20"),
        ({"income": "abc"}, "看不懂"),
        ({"trouble": "<script>"}, "看不懂"),
    ],
)
def test_a_bad_answer_comes_back_with_the_rest(confirmed: SimpleNamespace, changes: dict[str, str], words: str) -> None:
    """The form again, with what is wrong, and the other answers as they were."""
    answer = confirmed.villager.post(PAGE, data={**ANSWERS, **changes})
    assert answer.status_code == 422
    assert words in answer.text
    assert "<script>alert" not in answer.text
    if "people" not in changes:
        assert 'value="4"' in answer.text


def test_unknown_goes_before_a_number(confirmed: SimpleNamespace) -> None:
    """The box «不知道» counts, whatever stands in the field."""
    assert "说不准" in confirmed.villager.post(PAGE, data={**ANSWERS, "income-unknown": "unknown"}).text


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(["rural", "people", "income", "trouble", "income-unknown", "x"]), st.text(max_size=12)))
def test_any_form_gets_a_page(confirmed: SimpleNamespace, fields: dict[str, str]) -> None:
    """An outcome or the form again, never an error."""
    assert confirmed.villager.post(PAGE, data=fields).status_code in (200, 422)


def test_carried_into_a_report(confirmed: SimpleNamespace) -> None:
    """The report begins in the chat with the answers; the case has them, and no outcome."""
    assert confirmed.villager.post(f"{PAGE}/report", data=ANSWERS).status_code == 303
    assert "出了什么事" in confirmed.villager.get("/").text
    for text in ("房子塌了一面墙，不敢住", "岑城镇探花村", "没有"):
        confirmed.villager.post("/chat", data={"text": text})
    site = confirmed.site
    with site.database.read() as session:
        (conversation,) = session.scalars(select(Conversation)).all()
        (case,) = site.cases.of_conversation(session, conversation.key)
        said = "\n".join(line.text for line in site.cases.messages(session, case))
    assert "有哪样难处？ 大病" in said
    assert not [verdict for verdict in VERDICTS.values() if verdict in said]
    assert conversation.precheck is None
