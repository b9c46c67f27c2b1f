"""Follow-ups, topics that are forgotten, choices by number, and declining."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.records import Conversation
from bot.skills.answers import needed
from bot.texts import Texts
from bot.turn import Turn
from channels.message import Inbound
from core import clock
from tests.talk import Talk, texts

TEXTS = Texts()


def test_a_follow_up_keeps_the_topic(talk: Talk) -> None:
    """«那领多少钱» after 低保 is answered from the same sheet."""
    talk.say("低保怎么申请", "ask_policy")
    assert talk.say("那领多少钱", "follow_up").sources[0].sheet == "dibao"


@pytest.mark.parametrize("text", ["刚才那个领多少钱", "刚才讲的领多少", "上面那个领多少钱"])
def test_what_was_said_before_is_meant(talk: Talk, text: str) -> None:
    """«刚才那个» points to the topic, whatever NLU hears."""
    talk.say("低保怎么申请", "ask_policy")
    answer = talk.say(text, "out_of_scope")
    assert (answer.understood.intent, answer.sources[0].sheet) == ("follow_up", "dibao")


def test_a_topic_is_forgotten(talk: Talk) -> None:
    """After half an hour «那个呢» is asked back instead of answered from an old topic."""
    talk.say("低保怎么申请", "ask_policy")
    with talk.database.begin() as session:
        session.get(Conversation, talk.key).last_at -= timedelta(minutes=31)
    answer = talk.say("足球那个呢", "follow_up")
    assert (texts(answer), answer.sources) == (TEXTS.say("which_topic"), [])


def test_a_follow_up_to_another_sheet_moves_the_topic(talk: Talk) -> None:
    """After «那住院呢» the talk is of hospital, no more of 低保."""
    talk.say("低保怎么申请", "ask_policy")
    assert talk.say("那住院报销呢", "follow_up").sources[0].sheet == "medical"
    assert talk.say("那报销多少", "follow_up").sources[0].sheet == "medical"


def test_a_follow_up_inside_a_report_follows_what_is_told(talk: Talk) -> None:
    """With no question before it, «那报销多少» is about what befell the household."""
    talk.say("老公住院花了五万", "report_hardship")
    assert talk.say("那能报多少", "follow_up").sources[0].sheet == "medical"


@pytest.mark.parametrize(
    ("text", "intent", "sure", "kind"),
    [
        ("低保怎么申请，要交表吗", "complain", 0.5, "policy"),
        ("低保怎么申请，要交表吗", "ask_status", 0.5, "policy"),
        ("低保怎么申请，要交表吗", "ask_contact", 0.5, "policy"),
        ("低保怎么申请", "report_hardship", 0.75, "policy"),
        ("低保怎么申请，我要投诉", "complain", 0.5, "complaint"),
        ("低保怎么申请，要交表吗", "complain", 0.9, "complaint"),
        ("我家没钱申请低保，求帮帮我", "report_hardship", 0.75, "report"),
        ("低保怎么申请", "report_hardship", 0.95, "report"),
    ],
)
def test_a_question_is_answered_whatever_nlu_half_hears(talk: Talk, text: str, intent: str, sure: float, kind: str) -> None:
    """What asks, and what search knows, is a question when NLU doubts; what accuses, or begs, is not."""
    assert talk.say(text, intent, sure).understood.kind == kind


def test_what_nlu_is_sure_of_moves_how_sure_search_must_be() -> None:
    """The surer NLU is of a policy question, the less search has to be; of one that is not ours, the more."""

    def of(intent: str) -> list[float]:
        message = Inbound("1", "c", "低保")
        return [needed(Turn(message, "低保", "45", intent=intent, confidence=sure)) for sure in (0.3, 0.6, 0.95)]

    policy, ours_not = of("ask_policy"), of("out_of_scope")
    assert policy == sorted(policy, reverse=True)
    assert ours_not == sorted(ours_not)
    assert max(policy) < min(ours_not)
    assert ours_not[-1] == 0.9  # never more: a certain sheet overrules NLU


def test_an_answers_buttons_are_chosen_by_number(talk: Talk) -> None:
    """«1», «一» and «第二个» tap the buttons of the newest answer."""
    for number, sheet in (("1", 0), ("一", 0), ("第二个", 1)):
        answer = talk.say("住院报销多少", "ask_policy")
        buttons = answer.replies[-1].buttons
        chosen = talk.say(number)
        assert chosen.understood.intent == "ask_section"
        assert f"section:{chosen.sources[0].sheet}/{chosen.sources[0].section}" == buttons[sheet].payload


def test_a_number_without_buttons_is_no_choice(talk: Talk) -> None:
    """Out of range, or before any answer, a digit is a text like others."""
    assert talk.say("1").understood.intent == "nlu_fallback"
    talk.say("低保怎么申请", "ask_policy")
    assert talk.say("9").understood.intent == "nlu_fallback"


def test_declining_offers_two_titles_and_a_person(talk: Talk) -> None:
    """What is not known is said, with the two nearest sheets and a person to choose."""
    answer = talk.say("足球哪个赢", "out_of_scope")
    payloads = [button.payload for button in answer.replies[-1].buttons]
    assert (answer.sources, len(payloads), payloads[-1]) == ([], 3, "do:ask_human")
    assert "12345" in answer.replies[0].text
    assert talk.say("3").understood.kind == "human"


def test_a_section_chosen_after_declining_is_the_topic(talk: Talk) -> None:
    """What follows the chosen sheet is about that sheet."""
    talk.say("足球哪个赢", "out_of_scope")
    title = talk.journal.buttons(talk.key, clock.now() - timedelta(minutes=1))[0].title
    talk.say("1")
    assert talk.skills.known(talk.key).last.startswith(title)
