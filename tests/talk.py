"""A villager who talks to the whole assistant while Rasa is down: journal, danger, commands, skills, fixed dialogue."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

from bot.assistant import Assistant
from bot.client import RasaFailed
from bot.skills import Skills
from bot.turn import Turns
from bot.urgent import LEXICON, UrgentCheck
from cadres.case import Case, Cases, Details
from channels.journal import Journal
from channels.message import Answer, Inbound
from core import clock
from core.crypto import Vault
from core.database import Database
from core.regions import Regions
from tests.fakes import COUNTY, FakeEncoder, FakeIntents


class DownRasa:
    """A Rasa that never answers."""

    async def turn(self, *_args: Any, **_more: Any) -> Any:
        """Fails."""
        raise RasaFailed("down")


class Talk:
    """One sender's conversation. NLU hears what it is told (``intent``, ``sure``)."""

    def __init__(self, skills: Skills, database: Database, vault: Vault, regions: Regions, sender: str = "") -> None:
        self.journal, self.database, self.cases, self.skills = Journal(database, vault), database, Cases(vault), skills
        self.key = self.journal.conversation("web", sender or secrets.token_hex(8))
        self.intents = FakeIntents()
        encoder = FakeEncoder()
        self._assistant = Assistant(
            skills=skills, urgent=UrgentCheck(LEXICON, self.intents, encoder), intents=self.intents, encoder=encoder,
            turns=Turns(), rasa=DownRasa(), offered=lambda key: self.journal.buttons(key, clock.now() - skills.topic_life),
            regions=regions, county=COUNTY, at_once=8, text_limit=1000,
        )  # fmt: skip

    def say(
        self, text: str, intent: str = "nlu_fallback", sure: float = 0.9, *, payload: str = "", region: str | None = None
    ) -> Answer:
        """The journalled answer to a message."""
        message, _ = self.journal.record(self.key, text=text, payload=payload, region=region)
        return self.again(message, intent, sure)

    def again(self, message: Inbound, intent: str = "nlu_fallback", sure: float = 0.9) -> Answer:
        """The answer to a message that is journalled already."""
        self.intents.answer = (intent, sure)
        answer = asyncio.run(self._assistant.answer(message))
        self.journal.answered(answer)
        return answer

    def tap(self, answer: Answer, title: str) -> Answer:
        """Tap on a button of an answer."""
        payload = next(button.payload for reply in answer.replies for button in reply.buttons if button.title == title)
        return self.say(title, payload=payload)

    def file(self, event: str = "老公住院花了五万", place: str = "岑城镇探花村", contact: str = "13800138000") -> Answer:
        """A whole report."""
        self.say(event, "report_hardship")
        self.say(place)
        return self.say(contact)

    def filed(self) -> list[tuple[Case, Details, list[str]]]:
        """The sender's cases with their details and messages, newest first."""
        with self.database.read() as session:
            return [
                (case, self.cases.details(case), [said.text for said in self.cases.messages(session, case)])
                for case in self.cases.of_conversation(session, self.key)
            ]


def texts(answer: Answer) -> str:
    """All bubbles of an answer."""
    return "\n".join(reply.text for reply in answer.replies)
