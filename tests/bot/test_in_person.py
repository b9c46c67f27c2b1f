"""The assistant while a person is asked for, speaks, or has to listen: silent at the right time, never about danger."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import select

from bot.assistant import Assistant
from bot.client import RasaFailed
from bot.skills import Shared, Skills
from bot.turn import Turns
from bot.urgent import LEXICON, UrgentCheck
from cadres.alert import Alert, AlertCall
from cadres.case import Case
from cadres.handoff import Handoff
from channels.message import Answer, Inbound
from core import clock
from core.accounts import Account
from core.regions import Regions
from tests.cadres.people import staff
from tests.fakes import COUNTY, VILLAGE, FakeEncoder, FakeIntents


class NoRasa:
    """A Rasa that is down: what it would say is not what is tested here."""

    async def turn(
        self, conversation: str, message_id: str, text: str, vector: np.ndarray | None, *, has_topic: bool = False
    ) -> list:
        raise RasaFailed


class Villager:
    """Writes to an assistant whose understanding is told what to hear."""

    def __init__(self, skills: Skills, shared: Shared, regions: Regions) -> None:
        self.intents = FakeIntents("ask_policy", 0.9)
        self.shared, self._sent = shared, 0
        encoder = FakeEncoder()
        self.assistant = Assistant(
            skills=skills, urgent=UrgentCheck(LEXICON, self.intents, encoder), intents=self.intents, encoder=encoder,
            turns=Turns(), offered=lambda _: [], rasa=NoRasa(), regions=regions, county=COUNTY, at_once=2, text_limit=1000,
        )  # fmt: skip

    async def says(self, text: str = "", region: str | None = VILLAGE, **more: object) -> Answer:
        self._sent += 1
        return await self.assistant.answer(Inbound(f"{self._sent:024d}", "c", text, region=region, **more))

    async def asks_for_a_person(self) -> Answer:
        self.intents.by_text["找个干部来讲"] = ("ask_human", 0.9)
        return await self.says("找个干部来讲")


@pytest.fixture
def people(shared: Shared) -> dict[str, Account]:
    """Cadres on all levels."""
    with shared.database.begin() as session:
        return staff(session)


@pytest.fixture
def villager(skills: Skills, shared: Shared, regions: Regions) -> Villager:
    return Villager(skills, shared, regions)


def only(shared: Shared, table: type) -> list:
    """All rows of a table."""
    with shared.database.read() as session:
        return list(session.scalars(select(table).order_by(table.id)))


def take(shared: Shared, account: Account) -> None:
    """The cadre takes what waits."""
    with shared.database.begin() as session:
        (handoff,) = shared.handoffs.listed(session, account)
        shared.handoffs.take(session, account, handoff.id, "0" * 23 + "9")


async def test_a_person_is_asked_for(villager: Villager, shared: Shared, people: dict[str, Account]) -> None:
    """The villager learns who will come and whom to call meanwhile; the desk has the request; questions go on."""
    answer = await villager.asks_for_a_person()
    assert answer.understood.kind == "human"
    assert "探花村" in answer.replies[0].text
    assert "打" in answer.replies[0].text
    assert len(answer.replies[0].text) <= 80
    (handoff,) = only(shared, Handoff)
    assert (handoff.region, handoff.state, handoff.asked_from) == (VILLAGE, "waiting", answer.message_id)
    assert (await villager.says("低保怎么申请")).sources


async def test_without_cadres_only_the_number_is_said(villager: Villager, shared: Shared) -> None:
    """A county whose desk nobody uses promises nobody."""
    answer = await villager.asks_for_a_person()
    assert answer.replies[0].text == shared.texts.say("human", contact="12345")
    assert only(shared, Handoff) == []


async def test_while_a_cadre_speaks_the_bot_is_silent(villager: Villager, shared: Shared, people: dict[str, Account]) -> None:
    """Questions and buttons get no word from the bot; their kind is human; the cadre's clock runs."""
    await villager.asks_for_a_person()
    take(shared, people["village"])
    with shared.database.begin() as session:
        (handoff,) = shared.handoffs.listed(session, people["village"])
        shared.handoffs.said(session, people["village"], handoff.id)
    for more in ({"text": "低保怎么申请"}, {"text": "怎么申请", "payload": "section:dibao/how"}, {"text": "？？"}):
        answer = await villager.says(**more)
        assert (answer.replies, answer.understood.kind, answer.sources) == ([], "human", [])
    (handoff,) = only(shared, Handoff)
    assert handoff.waits


async def test_danger_is_seen_while_a_cadre_speaks(villager: Villager, shared: Shared, people: dict[str, Account]) -> None:
    """Words of danger, and the button for it, get the numbers at once and an urgent case whose alert rings."""
    await villager.asks_for_a_person()
    take(shared, people["village"])
    answer = await villager.says("我不想活了")
    assert answer.understood.kind == "urgent"
    assert "120" in answer.replies[0].text
    assert [alert.state for alert in only(shared, Alert)] == ["ringing"]
    answer = await villager.says("是，有危险", payload="do:urgent")
    assert answer.understood.kind == "urgent"
    assert len(only(shared, Case)) == 1
    (handoff,) = only(shared, Handoff)
    assert handoff.state == "held"


@pytest.mark.parametrize("message", [{"text": "找明白"}, {"text": "找明白。"}, {"text": "接着问", "payload": "do:bot"}])
async def test_the_bot_is_called_back(
    villager: Villager, shared: Shared, people: dict[str, Account], message: dict[str, str]
) -> None:
    """By word or button the villager gets the bot again, and questions are answered."""
    await villager.asks_for_a_person()
    take(shared, people["village"])
    assert (await villager.says(**message)).replies[0].text == shared.texts.say("handoff_left")
    assert (await villager.says("低保怎么申请")).sources


async def test_calling_the_bot_back_without_a_talk(villager: Villager, shared: Shared) -> None:
    """The button of an old message does no harm."""
    assert (await villager.says("接着问", payload="do:bot")).replies[0].text == shared.texts.say("handoff_left")


async def test_what_nobody_understood_goes_to_a_person(villager: Villager, shared: Shared, people: dict[str, Account]) -> None:
    """The villager is told who will listen, whom to call and the numbers for danger; never only to type."""
    answer = await villager.says("", voice=True, unclear=True)
    said = "\n".join(reply.text for reply in answer.replies)
    assert answer.understood.kind == "human"
    assert "探花村" in said
    assert all(number in said for number in ("110", "120", "119"))
    assert "打字" not in said
    (handoff,) = only(shared, Handoff)
    assert (handoff.voice_from, handoff.asked_from) == (answer.message_id, None)


async def test_without_cadres_nobody_is_promised_to_listen(villager: Villager, shared: Shared) -> None:
    """Nobody there to listen: the villager is told to call, with the numbers for danger."""
    answer = await villager.says("", voice=True, unclear=True)
    assert answer.replies[0].text == shared.texts.say("voice_no_person", contact="12345")


async def test_danger_in_an_unclear_recording(villager: Villager, shared: Shared, people: dict[str, Account]) -> None:
    """Words of danger count even where the recogniser is unsure: the numbers, a case, and a person who listens."""
    answer = await villager.says("老公打我救命", voice=True, unclear=True)
    assert answer.understood == answer.understood.__class__("urgent", "urgent", 1.0)
    assert "110" in answer.replies[0].text
    assert len(only(shared, Case)) == len(only(shared, Handoff)) == 1


async def test_an_unclear_recording_to_a_cadre_is_theirs(villager: Villager, shared: Shared, people: dict[str, Account]) -> None:
    """While a cadre holds the conversation they listen themselves; if they go silent it does not get lost."""
    await villager.asks_for_a_person()
    take(shared, people["village"])
    answer = await villager.says("", voice=True, unclear=True)
    assert answer.replies == []
    with shared.database.begin() as session:
        (handoff,) = session.scalars(select(Handoff))
        handoff.due_at = clock.now() - timedelta(seconds=1)
        assert [word.name for word in shared.handoffs.sweep(session)] == ["handoff_silent"]
        assert handoff.state == "waiting"


async def test_clear_words_are_like_typed_ones(villager: Villager) -> None:
    """A recording that was understood is answered from the sheets."""
    assert (await villager.says("低保怎么申请", voice=True)).sources


async def test_an_urgent_case_rings_at_once(villager: Villager, shared: Shared, people: dict[str, Account]) -> None:
    """Village and township are called with the case; a repeat joins it and calls nobody again."""
    await villager.says("我不想活了")
    await villager.says("我真的不想活了")
    assert len(only(shared, Case)) == 1
    assert [call.account_id for call in only(shared, AlertCall)] == [people["village"].id, people["town"].id]


async def test_a_place_told_later_calls_the_village(villager: Villager, shared: Shared, people: dict[str, Account]) -> None:
    """Without a place the county is called; told the village, its people are, and the case moves there."""
    await villager.says("我不想活了", region=None)
    assert [call.account_id for call in only(shared, AlertCall)] == [people["county"].id]
    await villager.says("岑城镇探花村", region=None)
    assert [call.account_id for call in only(shared, AlertCall)][1:] == [people["village"].id, people["town"].id]
    (case,) = only(shared, Case)
    assert case.region == VILLAGE


async def test_many_senders_of_one_source_are_all_answered(
    villager: Villager, shared: Shared, people: dict[str, Account]
) -> None:
    """Alerts that call people out are capped by where they come from; numbers and cases are not."""
    for sender in range(7):
        message = Inbound(f"x{sender}", f"c{sender}", "我不想活了", region=VILLAGE, source="one address")
        answer = await villager.assistant.answer(message)
        assert answer.case is not None
        assert "120" in answer.replies[0].text
    assert len(only(shared, Case)) == 7
    assert [alert.quiet for alert in only(shared, Alert)] == [False] * 5 + [True] * 2
