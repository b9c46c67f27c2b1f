"""A county whose one sheet has a confirmed pre-check, and an assistant without Rasa, for tests."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from bot.assistant import Assistant
from bot.client import RasaFailed
from bot.skills import Shared, Skills
from bot.texts import Texts
from bot.turn import Turns
from bot.urgent import LEXICON, UrgentCheck
from cadres.alert import Alerts
from cadres.case import Cases
from cadres.complaint import Complaints
from cadres.handoff import Handoffs
from channels.journal import Journal
from channels.message import Reply
from core import clock
from core.county import County
from core.crypto import Vault
from core.database import Database
from core.regions import load_regions
from knowledge_base.confirmation import confirm
from knowledge_base.index import build_index
from knowledge_base.search import Searcher
from tests.fakes import COUNTY, OUT_OF_SCOPE, FakeEncoder, FakeIntents, parsed, section_text, sheet_text
from tests.knowledge_base.criteria_cases import CRITERIA, criteria

SHEET = "dibao"


def checked_index(file: Path) -> None:
    """An index of one sheet with criteria: a section on eligibility, one on how."""
    sections = (
        section_text("eligibility", "什么人能吃低保", "收入低的可以申请。", "低保什么条件 | 什么人得吃低保") + section_text()
    )
    text = sheet_text(sections=sections).replace("---\n## ", f"{CRITERIA}---\n## ", 1)
    with tempfile.TemporaryDirectory() as scratch:
        build_index([parsed(Path(scratch), text)], FakeEncoder(), OUT_OF_SCOPE, file, "fake")


def confirm_it(database: Database, line: int = 8000) -> None:
    """The county confirms the sheet's criteria."""
    with database.begin() as session:
        confirm(session, SHEET, "45", criteria(), {"line": line}, by="县里（示例）")


class Rasa:
    """A Rasa that is down, and remembers what it was sent."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def turn(
        self, conversation: str, message_id: str, text: str, vector: np.ndarray | None, *, has_topic: bool = False
    ) -> list[Reply]:
        """Fails, so that the fixed dialogue answers."""
        self.heard.append(text)
        raise RasaFailed("down")


class Village:
    """One villager who talks to an assistant without Rasa."""

    def __init__(self, database: Database, vault: Vault, searcher: Searcher, intents: FakeIntents | None = None) -> None:
        self.database, self.journal, self.cases = database, Journal(database, vault), Cases(vault)
        self.county = County(COUNTY, demo=True, accepted_door=False)
        self.shared = Shared(
            database=database, vault=vault, regions=load_regions(), county=self.county, texts=Texts(), cases=self.cases,
            alerts=Alerts(), handoffs=Handoffs(), complaints=Complaints(vault), searcher=lambda: searcher,
            forget=self.journal.forget, topic_life=timedelta(minutes=30),
        )  # fmt: skip
        self.skills = Skills(self.shared)
        self.intents, self.rasa, encoder = intents or FakeIntents(), Rasa(), FakeEncoder()
        self.assistant = Assistant(
            skills=self.skills, urgent=UrgentCheck(LEXICON, self.intents, encoder), intents=self.intents, encoder=encoder,
            turns=Turns(), rasa=self.rasa, offered=lambda key: self.journal.buttons(key, clock.now() - self.skills.topic_life),
            regions=self.shared.regions, county=COUNTY, at_once=2, text_limit=1000,
        )  # fmt: skip

    async def says(self, text: str = "", payload: str = "", who: str = "c") -> Any:
        """One message; the whole answer."""
        message, _ = self.journal.record(who, text=text, payload=payload)
        answer = await self.assistant.answer(message)
        self.journal.answered(answer)
        return answer


def bubbles(answer: Any) -> str:
    """All bubbles of an answer."""
    return "\n".join(reply.text for reply in answer.replies)


def buttons(answer: Any) -> dict[str, str]:
    """The buttons of an answer: title and payload."""
    return {button.title: button.payload for reply in answer.replies for button in reply.buttons}
