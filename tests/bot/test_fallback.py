"""The assistant without Rasa: the same skills by a fixed dialogue."""

from __future__ import annotations

import pytest

from bot.commands import Commands
from bot.fallback import FixedDialogue
from bot.skills import Skills
from bot.texts import Texts
from bot.turn import Turn
from cadres.case import Cases
from channels.message import Inbound
from core.database import Database
from tests.fakes import COUNTY, VILLAGE, FakeIntents, vector_of

TEXTS = Texts()


class Villager:
    """Somebody who writes while Rasa is down."""

    def __init__(self, skills: Skills) -> None:
        self.intents, self.skills = FakeIntents(), skills
        self._dialogue = FixedDialogue(skills, self.intents, Commands(skills, lambda _: []))
        self._count = 0
        self.turn: Turn | None = None

    def says(self, text: str, intent: str = "ask_policy", sure: float = 0.9, *, payload: str = "") -> list[str]:
        """The answers to a message that is understood as told."""
        self._count += 1
        self.intents.answer = (intent, sure)
        vector = vector_of(text) if text else None
        self.turn = Turn(Inbound(f"m{self._count}", "c", text, payload), text, COUNTY, vector)
        return [reply.text for reply in self._dialogue.answer(self.turn)]


@pytest.fixture
def villager(skills: Skills) -> Villager:
    """A villager, on each kind of database."""
    return Villager(skills)


def test_a_question_is_answered(villager: Villager) -> None:
    """Without Rasa the sheets still answer."""
    assert villager.says("低保怎么申请")[0] == "低保到村里申请。"
    assert villager.turn.kind == "policy"


@pytest.mark.parametrize(
    ("intent", "text"),
    [
        ("greet", "greet"),
        ("thank", "thank"),
        ("complain", "complaint_where"),
        ("opt_out", "opt_out_sure"),
        ("cancel", "nothing_to_cancel"),
    ],
)
def test_each_intent_has_its_skill(villager: Villager, intent: str, text: str) -> None:
    """Small talk, complaints, texts and cancelling are served."""
    assert villager.says("嗯", intent)[0] == TEXTS.say(text)


@pytest.mark.parametrize("intent", ["nlu_fallback", "out_of_scope", "never heard of"])
def test_what_is_not_understood_is_searched(villager: Villager, intent: str) -> None:
    """An intent without a skill ends in the search, which declines honestly."""
    assert "12345" in villager.says("足球哪个赢", intent)[0]


def test_a_whole_report_is_filed(villager: Villager, database: Database, vault) -> None:
    """A report is taken step by step and filed, as with Rasa."""
    assert villager.says("我要报困难", "report_hardship") == [
        TEXTS.say("report_start"),
        TEXTS.say("report_notice", keep=TEXTS.say("report_keep")),
        TEXTS.say("ask_event"),
    ]
    assert villager.says("老公住院花了五万") == [TEXTS.say("ask_place")]
    assert villager.says("岑城镇探花村") == [TEXTS.say("ask_contact")]
    filed = villager.says("13800138000")
    assert villager.turn.case is not None
    assert villager.turn.case.number in filed[0]
    assert (villager.turn.answer([]).understood.kind, villager.turn.intent) == ("report", "inform")
    with database.read() as session:
        (case,) = Cases(vault).of_conversation(session, "c")
        assert case.region == VILLAGE


def test_a_question_inside_a_report_is_answered_and_the_report_goes_on(villager: Villager) -> None:
    """The answer comes first, then the open question again."""
    villager.says("老公住院花了五万", "report_hardship")
    said = villager.says("低保怎么申请")
    assert said[0] == "低保到村里申请。"
    assert said[-1] == TEXTS.say("ask_place")
    assert villager.skills.known("c").draft.tries == 1


def test_what_is_neither_is_a_try(villager: Villager) -> None:
    """Inside a report small talk counts as an answer to the question, so that the report comes to its end."""
    villager.says("老公住院花了五万", "report_hardship")
    villager.says("嗯嗯", "small_talk")
    villager.says("嗯嗯", "small_talk")
    assert villager.skills.known("c").draft.region == COUNTY


def test_leaving_needs_certainty(villager: Villager) -> None:
    """A sure wish ends the report, an unsure one is asked about and the report stays."""
    villager.says("老公住院花了五万", "report_hardship")
    villager.says("不太想", "cancel", 0.5)
    assert villager.skills.known("c").draft is not None
    assert villager.says("不报了", "cancel", 0.9) == [TEXTS.say("report_cancelled")]
    assert villager.skills.known("c").draft is None


def test_a_doubtful_report_is_answered_with_an_offer(villager: Villager) -> None:
    """What may be a question is answered, and the report offered."""
    said = villager.says("低保怎么申请", "report_hardship", 0.3)
    assert "低保到村里申请。" in said
    assert said[-1] == TEXTS.say("report_offer")


@pytest.mark.parametrize(
    ("payload", "intent"),
    [
        ("section:dibao/how", "ask_section"),
        ("do:ask_status", "ask_status"),
        ("do:ask_contact", "ask_contact"),
        ("do:ask_human", "ask_human"),
        ("do:cancel", "cancel"),
        ("do:urgent", "urgent"),
        ("do:report_hardship", "report_hardship"),
        (f"place:{VILLAGE}", "inform"),
        ("do:format_disk", "nlu_fallback"),
        ("nonsense", "nlu_fallback"),
    ],
)
def test_buttons_are_understood_without_nlu(villager: Villager, payload: str, intent: str) -> None:
    """A button means what its payload says; an invented one is not understood and nothing breaks."""
    assert villager.says("", payload=payload)
    assert villager.turn.intent == intent


def test_danger_by_button_makes_an_urgent_case(villager: Villager) -> None:
    """«是，有危险» makes an urgent case without Rasa too."""
    villager.says("", payload="do:urgent")
    assert villager.turn.case.urgency == "urgent"


def test_an_answer_to_our_question_needs_no_understanding(villager: Villager) -> None:
    """A number or village that fits is taken, whatever the light classifier thinks."""
    villager.says("老公住院花了五万", "report_hardship")
    villager.says("探花村", "urgent")
    assert (villager.turn.intent, villager.turn.confidence) == ("inform", 1.0)
    assert villager.skills.known("c").draft.region == VILLAGE
