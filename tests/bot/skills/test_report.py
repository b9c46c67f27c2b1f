"""The self-report from the first word to the number: filing, corrections, refusal, children, proxies, joining."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.records import Conversation, Effect
from bot.report import NOTICE
from bot.texts import Texts
from channels.journal import InboundRow
from core.crypto import Vault
from core.database import Database
from tests.fakes import COUNTY, OTHER_VILLAGE, VILLAGE
from tests.talk import Talk, texts

TEXTS = Texts()


def test_three_answers_are_filed_at_once(talk: Talk) -> None:
    """Event, village and number are enough; the rest is asked when the report is safe."""
    answer = talk.file()

    ((case, details, said),) = talk.filed()
    assert (case.region, details.event, details.contact) == (VILLAGE, "老公住院花了五万", "+8613800138000")
    assert said == ["老公住院花了五万", "岑城镇探花村", "13800138000"]
    assert answer.case.number in answer.replies[0].text
    assert "12317" in answer.replies[1].text
    assert answer.replies[2].text == TEXTS.say("ask_household")


def test_the_notice_is_shown_and_its_version_kept(talk: Talk) -> None:
    """Who reads it, why and how long is told at the start; the case carries the version that was told."""
    assert "不同意" in texts(talk.say("老公住院花了五万", "report_hardship"))
    talk.say("探花村")
    talk.say("13800138000")
    assert talk.filed()[0][0].notice == NOTICE


def test_who_disagrees_leaves_nothing(talk: Talk, vault: Vault) -> None:
    """«不同意» leads to a person, and neither draft, nor effects, nor journal keep the words."""
    talk.say("老公得了尿毒症", "report_hardship")
    talk.say("岑城镇探花村")
    answer = talk.say("不同意")

    assert "12345" in texts(answer)
    assert "没有留下" in texts(answer)
    assert talk.filed() == []
    with talk.database.read() as session:
        kept = [vault.unseal(row.body) for row in session.query(InboundRow)]
        kept += [vault.unseal(row.result) for row in session.query(Effect)]
        assert [row.draft for row in session.query(Conversation)] == [None]
    assert [text for text in kept if "尿毒症" in text or "探花" in text] == []


def test_leaving_a_report_leaves_nothing_either(talk: Talk, vault: Vault) -> None:
    """«不报了» says that nothing was left, and so it is."""
    talk.say("老公得了尿毒症", "report_hardship")
    talk.say("不报了", "cancel", 0.95)
    with talk.database.read() as session:
        assert [row for row in session.query(InboundRow) if "尿毒症" in vault.unseal(row.body)] == []


@pytest.mark.parametrize(
    ("correction", "field", "value"),
    [
        ("电话写错了，是13900139000", "contact", "+8613900139000"),
        ("不是探花村，是善村", "place", "岑溪市马路镇善村"),
        ("不是13800138000，是13900139000", "contact", "+8613900139000"),
    ],
)
@pytest.mark.parametrize("filed", [False, True])
def test_a_correction_counts_at_any_time(talk: Talk, correction: str, field: str, value: str, filed: bool) -> None:
    """What was told wrong is put right before filing and after it; the words are kept."""
    talk.say("老公住院花了五万，电话13800138000", "report_hardship")
    if filed:
        talk.say("岑城镇探花村")
        talk.say(correction)
    else:
        talk.say("嗯嗯", "affirm")
        talk.say(correction)
        if field == "contact":
            talk.say("岑城镇探花村")

    ((case, details, said),) = talk.filed()
    assert getattr(details, field) == value
    assert correction in said
    if field == "place":
        assert case.region == OTHER_VILLAGE


def test_a_correction_is_no_failed_answer(talk: Talk) -> None:
    """After a correction the open question is put again as it was, without a word of reproach."""
    talk.say("老公住院花了五万", "report_hardship")
    talk.say("岑城镇探花村")
    assert talk.say("不是探花村，是善村").replies[-1].text == TEXTS.say("ask_contact")
    assert talk.say("马路镇善村").replies[-1].text == TEXTS.say("ask_contact")


def test_one_can_go_back(talk: Talk) -> None:
    """«上一步» asks again what was answered last, and the new answer counts."""
    talk.say("老公住院花了五万", "report_hardship")
    talk.say("岑城镇探花村")
    assert talk.say("上一步").replies[-1].text == TEXTS.say("ask_place")
    talk.say("马路镇善村")
    talk.say("13800138000")
    assert talk.filed()[0][0].region == OTHER_VILLAGE


def test_a_child_is_sent_to_an_adult(talk: Talk, vault: Vault) -> None:
    """Who is under 14 is sent to a guardian, nothing is kept; without an adult it is danger."""
    answer = talk.say("我今年12岁，爸爸住院了没钱", "report_hardship")
    assert "110" in texts(answer)
    assert talk.skills.known(talk.key).draft is None
    assert talk.filed() == []
    alone = talk.tap(answer, "家里没有大人")
    assert (alone.case.urgency, talk.filed()[0][0].danger) == ("urgent", "child_alone")


def test_who_reports_for_others_learns_only_that_it_was_passed_on(talk: Talk, talker: Callable[..., Talk]) -> None:
    """A neighbour gets a number and no state; the household, by number and phone, gets the state and no reporter."""
    talk.say("帮隔壁阿婆报，她摔断了腿", "report_hardship")
    talk.say("岑城镇探花村")
    answer = talk.say("13800138000")
    number = answer.case.number
    assert "不会说是谁报的" in texts(answer)
    assert answer.replies[-1].text == TEXTS.say("ask_relation")
    talk.say("邻居")

    ((case, details, _),) = talk.filed()
    assert (case.proxy, details.whom, details.relation) == (True, "隔壁阿婆", "邻居")
    status = talk.say("我报的怎么样了", "ask_status")
    assert status.case.state == "已转给村里"
    assert "待受理" not in texts(status)
    household = talker().say(f"编号{number}，电话后四位8000")
    assert "待受理" in texts(household)
    assert "邻居" not in texts(household)


def test_a_proxy_does_not_give_their_own_village(talk: Talk) -> None:
    """For somebody far away the village is asked for, though the page knows the reporter's."""
    answer = talk.say("帮我叔报一下，他瘫了", "report_hardship", region=VILLAGE)
    assert answer.replies[-1].text == TEXTS.say("ask_place")


def test_a_senders_open_report_is_joined(talk: Talk) -> None:
    """A further report of the same household joins the open one; another village is another case."""
    first = talk.file()
    second = talk.file("儿子也病了", "岑城镇探花村", "13800138000")
    third = talk.file("房子塌了", "马路镇善村", "13800138000")

    assert first.case.number == second.case.number != third.case.number
    (_, details, said) = talk.filed()[1]
    assert details.event == "老公住院花了五万；儿子也病了"
    assert said.count("儿子也病了") == 1


def test_another_senders_report_is_never_joined(talk: Talk, talker: Callable[..., Talk]) -> None:
    """The same words and phone from somebody else make a case of their own."""
    assert talk.file().case.number != talker().file().case.number


def test_a_report_is_resumed_after_a_question(talk: Talk) -> None:
    """A question in the middle is answered, the open question is put again, and «继续» resumes."""
    talk.say("老公住院花了五万", "report_hardship")
    answer = talk.say("低保怎么申请", "ask_policy")
    assert answer.replies[0].text == "低保到村里申请。"
    assert answer.replies[-1].text == TEXTS.say("ask_place")
    assert talk.say("继续").replies[-1].text == TEXTS.say("ask_place")
    talk.say("探花村")
    talk.say("没有电话")
    assert talk.filed()[0][1].contact == ""


def test_a_message_that_was_killed_in_filing_makes_one_case(talk: Talk) -> None:
    """The same message again, as after a crash, gives the same case."""
    talk.say("老公住院花了五万", "report_hardship")
    talk.say("探花村")
    message, _ = talk.journal.record(talk.key, text="13800138000")
    numbers = {talk.again(message).case.number for _ in range(3)}
    assert len(talk.filed()) == len(numbers) == 1


@pytest.mark.parametrize("order", [("探花村", "13800138000", "老公住院花了五万"), ("13800138000", "老公住院花了五万", "探花村")])
def test_answers_come_in_any_order(talk: Talk, order: tuple[str, ...]) -> None:
    """A number or a village told where something else was asked is taken for what it is."""
    talk.say("我要报困难", "report_hardship")
    for text in order:
        talk.say(text)
    ((case, details, _),) = talk.filed()
    assert (case.region, details.event, details.contact) == (VILLAGE, "老公住院花了五万", "+8613800138000")


def test_a_draft_is_listed_only_with_what_and_where(talk: Talk) -> None:
    """The place of a draft is known to the desk only once the draft tells what happened and where."""

    def listed() -> str | None:
        with talk.database.read() as session:
            row = session.get(Conversation, talk.key)
            return row.draft_region if row else None

    talk.say("老公住院花了五万", "report_hardship", region=COUNTY)
    assert listed() is None
    talk.say("探花村")
    assert listed() == VILLAGE
    talk.say("13800138000")
    assert listed() is None


def test_the_database_has_no_words_in_clear(talk: Talk, database: Database) -> None:
    """Neither draft nor case nor effect holds a word of the report in clear."""
    talk.file("老公得了尿毒症")
    talk.say("我要补充 我妈也瘫了")
    with database.engine.connect() as connection:
        for table in ("conversations", "cases", "case_messages", "effects", "inbound"):
            for row in connection.exec_driver_sql(f"select * from {table}"):
                assert "尿毒症" not in str([bytes(value) if isinstance(value, memoryview) else value for value in row])
