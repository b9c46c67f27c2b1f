"""A filed report: further questions, additions, taking back, and who may learn how it stands."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.skills.case import TRIES
from bot.texts import Texts
from tests.talk import Talk, texts

TEXTS = Texts()


def test_further_answers_are_kept_one_by_one(talk: Talk) -> None:
    """Each further answer is in the case at once; each may be skipped."""
    talk.file()
    assert talk.say("四口").replies[-1].text == TEXTS.say("ask_ill")
    assert talk.filed()[0][1].household == "四口"
    assert talk.say("跳过").replies[-1].text == TEXTS.say("ask_income")
    assert talk.say("少了一半").replies[-1].text == TEXTS.say("ask_helped")
    assert talk.say("没有").replies[-1].text == TEXTS.say("more_done")

    (_, details, said) = talk.filed()[0]
    assert (details.household, details.ill, details.income, details.helped) == ("四口", "", "少了一半", "没有")
    assert said[-3:] == ["四口", "少了一半", "没有"]


def test_two_people_are_no_second_choice(talk: Talk) -> None:
    """«2» answers how many they are."""
    talk.file()
    talk.say("2")
    assert talk.filed()[0][1].household == "2"


def test_further_questions_end_on_request(talk: Talk) -> None:
    """«不说了» ends them; what follows is understood by itself again."""
    talk.file()
    assert talk.say("不说了").replies[-1].text == TEXTS.say("more_done")
    assert talk.skills.known(talk.key).filed is None
    assert talk.say("谢谢", "thank").replies[0].text == TEXTS.say("thank")


def test_one_can_go_back_among_further_questions(talk: Talk) -> None:
    """«上一步» puts the further question before it again."""
    talk.file()
    talk.say("四口")
    assert talk.say("上一步").replies[-1].text == TEXTS.say("ask_household")
    talk.say("五口")
    assert talk.filed()[0][1].household == "五口"


def test_a_question_after_filing_is_answered(talk: Talk) -> None:
    """A question is no answer to a further question."""
    talk.file()
    assert talk.say("低保怎么申请", "ask_policy").replies[0].text == "低保到村里申请。"
    assert talk.filed()[0][1].household == ""


def test_a_household_is_corrected(talk: Talk) -> None:
    """«不是三口，是四口» counts after the question went by."""
    talk.file()
    talk.say("三口")
    answer = talk.say("不是三口，是四口")
    assert TEXTS.say("corrected", number=answer.case.number) in texts(answer)
    assert talk.filed()[0][1].household == "四口"


def test_additions_go_into_the_case(talk: Talk) -> None:
    """«我要补充 …» is added days later too; only the wish is asked back."""
    talk.file()
    talk.say("不说了")
    assert talk.say("我要补充").replies[0].text == TEXTS.say("add_what")
    talk.say("我要补充，我妈也病了")
    (_, details, said) = talk.filed()[0]
    assert details.event.endswith("我妈也病了")
    assert said[-1] == "我要补充，我妈也病了"


def test_without_a_report_there_is_nothing_to_add(talk: Talk) -> None:
    """Nothing is made up where nothing was reported."""
    assert talk.say("我要补充，我妈也病了").replies[0].text == TEXTS.say("nothing_to_add")


@pytest.mark.parametrize("yes", ["1", "一", "第一个", "撤回"])
def test_taking_back_is_confirmed(talk: Talk, yes: str) -> None:
    """A report is taken back after a yes, by digit or word, and stays on record."""
    talk.file()
    asked = talk.say("我要撤回")
    assert talk.filed()[0][0].state == "reported"
    done = talk.say(yes) if yes != "撤回" else talk.tap(asked, "撤回")
    assert talk.filed()[0][0].state == "withdrawn"
    assert done.case.state == "已撤回"


def test_not_taking_back_keeps_the_report(talk: Talk) -> None:
    """«2» leaves all as it was."""
    talk.file()
    talk.say("我要撤回")
    talk.say("2")
    assert talk.filed()[0][0].state == "reported"


def test_danger_and_other_peoples_reports_are_not_taken_back_here(talk: Talk, talker: Callable[..., Talk]) -> None:
    """An urgent case, and one for somebody else, lead to a person."""
    talk.say("我不想活了，农药都买好了")
    assert "撤不回" in texts(talk.say("我要撤回"))
    neighbour = talker()
    neighbour.file("帮隔壁阿婆报，她摔断了腿")
    assert "撤不回" in texts(neighbour.say("我要撤回"))
    assert neighbour.filed()[0][0].state == "reported"


def test_a_forged_payload_takes_nothing_back(talk: Talk, talker: Callable[..., Talk]) -> None:
    """Nobody takes back another's report by naming its number."""
    number = talk.file().case.number
    answer = talker().say("撤回", payload=f"withdraw:{number}")
    assert (talk.filed()[0][0].state, answer.case) == ("reported", None)


def test_number_and_phone_show_the_state(talk: Talk, talker: Callable[..., Talk]) -> None:
    """Somebody else's page shows the state to who knows number and last four digits, in one message or in two."""
    number = talk.file().case.number
    at_once = talker().say(f"编号{number}尾号8000怎么样了", "ask_status")
    other = talker()
    assert other.say(number).replies[0].text == TEXTS.say("status_last_four")
    in_two = other.say("8000")
    assert at_once.case.number == in_two.case.number == number
    assert "住院" not in texts(at_once)
    assert "探花" not in texts(at_once)


def test_wrong_number_and_wrong_phone_are_answered_alike(talk: Talk, talker: Callable[..., Talk]) -> None:
    """What is wrong stays unsaid, and no case is shown."""
    number = talk.file().case.number
    other = talker()
    answers = [other.say(f"编号{wrong}，后四位{phone}") for wrong, phone in ((number, "1234"), ("9999994", "8000"))]
    assert texts(answers[0]) == texts(answers[1]) == TEXTS.say("status_no_match", contact="12345")
    assert [answer.case for answer in answers] == [None, None]


def test_tries_are_limited_for_a_sender(talk: Talk, talker: Callable[..., Talk]) -> None:
    """After five wrong tries the right digits do not help either: a person has to."""
    number = talk.file().case.number
    thief = talker()
    for wrong in range(TRIES):
        thief.say(f"编号{number}，后四位{wrong:04d}")
    blocked = thief.say(f"编号{number}，后四位8000")
    assert texts(blocked) == TEXTS.say("status_too_often", contact="12345")
    assert blocked.case is None


def test_tries_are_limited_for_a_number(talk: Talk, talker: Callable[..., Talk]) -> None:
    """Many senders together have no more tries at one number; its own sender still sees it."""
    number = talk.file().case.number
    for wrong in range(TRIES):
        talker().say(f"编号{number}，后四位{wrong:04d}")
    assert talker().say(f"编号{number}，后四位8000").case is None
    assert talk.say("我报的怎么样了", "ask_status").case.number == number


def test_a_case_without_a_phone_is_shown_to_nobody_else(talk: Talk, talker: Callable[..., Talk]) -> None:
    """No digits fit where no phone was left."""
    number = talk.file(contact="没有电话").case.number
    assert talker().say(f"编号{number}，后四位0000").case is None


def test_a_forgotten_phone_leads_to_a_person(talk: Talk, talker: Callable[..., Talk]) -> None:
    """«不记得» is answered with whom to ask."""
    number = talk.file().case.number
    other = talker()
    asked = other.say(number)
    assert other.tap(asked, "不记得了").understood.kind == "human"
