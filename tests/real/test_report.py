"""Stories of the self-report, its case, complaints and texts, through the real Rasa."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest

from service.remote import Remote
from tests.real.conftest import texts

Say = Callable[..., dict[str, Any]]


@pytest.fixture
def stranger(service: Remote) -> Say:
    """Somebody else."""
    sender = f"other-{secrets.token_hex(6)}"
    return lambda text, **more: service.chat(sender, text, **more)


def filed(say: Say, event: str = "我老公查出尿毒症，花光了积蓄，求政府帮帮我们家") -> dict[str, Any]:
    """A whole report."""
    say(event)
    say("岑城镇探花村")
    return say("13812345678")


def test_further_questions_come_after_filing(say: Say) -> None:
    """The number is given first; each further answer goes into the same case, and the questions come to an end."""
    case = filed(say)["case"]
    answers = [say(text) for text in ("四口", "跳过", "少了一半", "没有")]
    assert [answer["case"]["number"] for answer in answers] == [case["number"]] * 4
    assert "问完了" in texts(answers[-1])
    assert say("低保怎么申请")["sources"][0]["sheet"] == "dibao"


def test_corrections_going_back_and_a_question_in_between(say: Say) -> None:
    """A wrong village and a wrong number are put right on the way, and the report is filed once."""
    say("我家房子被大水冲垮了，没地方住，帮我报上去")
    say("岑城镇探花村")
    assert "哪个电话" in texts(say("不是探花村，是善村"))
    assert "哪个村" in texts(say("上一步"))
    assert say("低保怎么申请？")["sources"][0]["sheet"] == "dibao"
    say("岑城镇探花村")
    case = say("13812345678")["case"]
    assert say("电话写错了，是13900139000")["case"]["number"] == case["number"]
    assert say("我报的到哪一步了")["case"]["number"] == case["number"]


def test_disagreeing_ends_the_report(say: Say) -> None:
    """«不同意» keeps nothing, and the next words start afresh."""
    assert "不同意" in texts(say("我老公病重，花光了钱，帮我报上去"))
    assert "没有留下" in texts(say("不同意"))
    assert say("低保怎么申请")["sources"][0]["sheet"] == "dibao"
    assert say("我报的怎么样了")["case"] is None


def test_a_child_is_sent_to_an_adult(say: Say) -> None:
    """A child's report is not taken; alone it is danger, by the number of the button."""
    assert "家里大人" in texts(say("我今年11岁，爸爸病了家里没钱，想申请帮扶"))
    assert say("1")["case"]["urgency"] == "urgent"


def test_a_proxy_learns_only_that_it_was_passed_on(say: Say, stranger: Say) -> None:
    """A neighbour gets no state, the household gets it by number and phone."""
    number = filed(say, "帮隔壁阿婆报一下，她摔断了腿没人照顾")["case"]["number"]
    say("邻居")
    assert say("我报的怎么样了")["case"]["state"] == "已转给村里"
    assert "后四位" in texts(stranger(number))
    assert stranger("5678")["case"]["number"] == number


def test_strangers_learn_nothing(say: Say, stranger: Say) -> None:
    """A wrong phone shows no case."""
    number = filed(say)["case"]["number"]
    assert stranger(f"编号{number}，电话后四位0000")["case"] is None


def test_adding_and_taking_back(say: Say) -> None:
    """An addition joins the case, taking back is confirmed by a digit."""
    number = filed(say)["case"]["number"]
    assert say("我要补充，我妈也病了")["case"]["number"] == number
    assert number in texts(say("我要撤回"))
    assert say("1")["case"]["state"] == "已撤回"


def test_a_second_report_joins_the_first(say: Say) -> None:
    """The same sender's further hardship of the same household is one case."""
    first = filed(say)["case"]["number"]
    say("不说了")
    assert filed(say, "我儿子也查出肾病，医药费付不起，想申请帮扶")["case"]["number"] == first


def test_a_complaint_is_recorded(say: Say) -> None:
    """It says who reads it and that the one complained of does not; «1» takes it back."""
    answer = say("我要举报探花村支书，他收了我家五百块才给报")
    assert answer["understood"]["kind"] == "complaint"
    assert "镇里" in texts(answer)
    assert "撤回" in texts(say("1"))


def test_texts_stop_at_a_word_or_after_a_digit(say: Say, stranger: Say) -> None:
    """«TD» at once, free words after «1»."""
    assert "已经退订" in texts(say("TD"))
    assert "回1确认" in texts(stranger("不要再给我发短信了，烦死了"))
    assert "已经退订" in texts(stranger("1"))


def test_a_topic_is_kept_and_chosen_by_number(say: Say) -> None:
    """«刚才那个» and «1» follow the last answer."""
    say("低保怎么申请")
    assert say("刚才那个要带什么材料")["sources"][0]["sheet"] == "dibao"
    assert say("1")["understood"]["intent"] == "ask_section"
