"""One message, one answer: danger first, then Rasa, and a fixed dialogue when Rasa is down."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

import numpy as np
import structlog

from bot.client import RasaFailed
from bot.commands import Commands
from bot.fallback import FixedDialogue
from bot.intents import LightIntents
from bot.skills import Known, Skills
from bot.skills.precheck import CARRY
from bot.turn import Turn, Turns
from bot.urgent import UNKNOWN, UrgentCheck
from channels.message import Answer, Button, Inbound, Reply
from core.regions import Regions
from knowledge_base.encoder import Encoder
from knowledge_base.text import clean, has_words, normalise

log = structlog.get_logger()
HELD = "held"


class RasaTurn(Protocol):
    """What the assistant needs of the client to Rasa."""

    async def turn(
        self, conversation: str, message_id: str, text: str, vector: np.ndarray | None, *, has_topic: bool = False
    ) -> list[Reply]:
        """The replies. Raises RasaFailed."""


class Assistant:
    """Answers journalled messages. One message of a sender at a time; ``at_once`` turns inside Rasa."""

    def __init__(
        self,
        *,
        skills: Skills,
        urgent: UrgentCheck,
        intents: LightIntents,
        encoder: Encoder,
        turns: Turns,
        rasa: RasaTurn,
        offered: Callable[[str], list[Button]],
        regions: Regions,
        county: str,
        at_once: int,
        text_limit: int,
    ) -> None:
        self._skills, self._urgent, self._encoder, self._turns, self._rasa = skills, urgent, encoder, turns, rasa
        self._regions, self._county, self._text_limit = regions, county, text_limit
        self._commands = Commands(skills, offered)
        self._fixed = FixedDialogue(skills, intents, self._commands)
        self._places = asyncio.Semaphore(at_once)
        self._senders = _Senders()

    async def answer(self, message: Inbound) -> Answer:
        """The answer to a journalled message; never raises for what a villager may send."""
        async with self._senders.one_at_a_time(message.conversation):
            turn, intent, replies = await asyncio.to_thread(self._before_rasa, message)
            if replies is None:
                replies = await self._through_rasa(turn, intent)
                if turn.checking:
                    replies += await asyncio.to_thread(self._skills.prechecks.after, turn)
            return turn.answer(replies)

    def _before_rasa(self, message: Inbound) -> tuple[Turn, str | None, list[Reply] | None]:
        """A message's turn; its intent where no classifier has to say; its answer where no dialogue decides."""
        turn, known, danger = self._look(message)
        replies = self._without_dialogue(turn, known, danger)
        intent = self._commands.intent(turn, known) if replies is None else None
        return turn, intent, replies

    def _without_dialogue(self, turn: Turn, known: Known, danger: str | None) -> list[Reply] | None:
        """The answer to what no dialogue decides: danger, a cadre who speaks, what cannot be read."""
        in_person, unclear = self._skills.in_person, turn.inbound.unclear
        if danger is not None:
            turn.intent, turn.confidence = "urgent", 1.0
            replies = self._skills.danger.urgent(turn, danger)
            if known.talk == HELD:
                in_person.listens(turn)
            elif unclear:
                replies += in_person.unheard(turn)
            return replies
        if in_person.wants_bot(turn):
            return in_person.back(turn)
        held = in_person.listens(turn) if known.talk == HELD else None
        if held is not None:
            return held
        if unclear:
            return in_person.unheard(turn)
        if not turn.inbound.payload and not has_words(turn.text):
            turn.kind, turn.confidence = "chitchat", 1.0
            return self._skills.say("unreadable")
        if turn.inbound.payload == CARRY:
            self._skills.prechecks.carry(turn)
        joins = turn.text and known.draft is None and not turn.inbound.payload
        return self._skills.danger.add_to_urgent(turn) if joins else None

    def _look(self, message: Inbound) -> tuple[Turn, Known, str | None]:
        """What can be known before any dialogue: the place, the open report, the vector, and whether life is in danger."""
        text = clean(message.text, self._text_limit)
        known = self._skills.known(message.conversation)
        turn = Turn(message, text, self._place(message.region, known.region), last=known.last)
        turn.checking = known.checking and known.draft is None
        turn.checks = turn.checking and not message.payload and has_words(text) and self._skills.prechecks.hears(turn)
        if not turn.checks:  # «2» may answer the pre-check's question; else it may choose a button
            turn.inbound = self._commands.chosen(message, text)
        if turn.inbound.payload or not has_words(text):
            return turn, known, None
        turn.vector = self._encoder.question(normalise(text))
        whole = message.text if len(message.text) > len(text) else text
        danger = self._urgent.check(whole, turn.vector if whole is text else None)
        if danger == UNKNOWN and (turn.checks or self._answers_us(known, text)):
            danger = None  # an answer to our own question («没有电话»); words of danger would have been seen
        return turn, known, danger

    def _answers_us(self, known: Known, text: str) -> bool:
        dialogue = self._skills.dialogue
        if known.draft is not None:
            return dialogue.fits(known.draft, text)
        return known.filed is not None and dialogue.fits_further(known.filed, text)

    async def _through_rasa(self, turn: Turn, intent: str | None) -> list[Reply]:
        command = f"/{intent}" if intent else None
        vector = None if command else turn.vector
        self._turns.open(turn)
        try:
            async with self._places:
                # text that begins with «/» is a command to Rasa
                text = command or turn.text.lstrip("/／ ") or "?"
                return await self._rasa.turn(turn.conversation, turn.id, text, vector, has_topic=bool(turn.last))
        except RasaFailed as failure:
            log.warning("answered without Rasa", message_id=turn.id, reason=str(failure))
        finally:
            if not self._turns.close_idle(turn):
                await asyncio.to_thread(self._turns.close, turn)
        fresh = Turn(turn.inbound, turn.text, turn.region, turn.vector, last=turn.last, checks=turn.checks)
        replies = await asyncio.to_thread(self._fixed.answer, fresh, intent)
        turn.intent, turn.confidence, turn.kind = fresh.intent, fresh.confidence, fresh.kind
        turn.sources, turn.case = fresh.sources, fresh.case
        return replies

    def _place(self, hint: str | None, known: str | None) -> str:
        """The villager's place: the village that the page names, else the one told before, else the county."""
        for code in (hint, known):
            if code and len(code) == 12 and code.startswith(self._county) and self._regions.get(code) is not None:
                return code
        return self._county


class _Senders:
    """A lock for each sender who is being answered now."""

    def __init__(self) -> None:
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._waiting: defaultdict[str, int] = defaultdict(int)

    @asynccontextmanager
    async def one_at_a_time(self, sender: str) -> AsyncIterator[None]:
        self._waiting[sender] += 1
        try:
            async with self._locks[sender]:
                yield
        finally:
            self._waiting[sender] -= 1
            if not self._waiting[sender]:
                del self._waiting[sender], self._locks[sender]
