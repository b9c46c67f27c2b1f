"""What the assistant can do with a turn. Rasa's actions call these; without Rasa the fixed dialogue does.

Each skill writes what it found into the turn and gives the bubbles to say. Effects are keyed by message and action.
"""

from __future__ import annotations

from datetime import timedelta

from bot.report import ReportDialogue
from bot.skills.answers import Answers
from bot.skills.case import FiledReports
from bot.skills.danger import Danger
from bot.skills.form import ReportForm
from bot.skills.in_person import InPerson
from bot.skills.people import People
from bot.skills.precheck import PreChecks
from bot.skills.report import Reporting
from bot.skills.shared import Known, Shared
from bot.turn import Turn
from channels.message import Reply


class Skills:
    """The skills of one county's assistant."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self.dialogue = ReportDialogue(shared.regions, shared.county.code)
        self.prechecks = PreChecks(shared)
        self.answers = Answers(shared, self.prechecks)
        self.people = People(shared, self.answers, self.dialogue)
        self.danger = Danger(shared, self.answers)
        self.in_person = InPerson(shared, self.danger)
        self.report = Reporting(shared, self.answers, self.dialogue)
        self.form = ReportForm(shared)
        self.filed = FiledReports(shared, self.dialogue)

    @property
    def topic_life(self) -> timedelta:
        """How long a topic, and the buttons of an answer, are remembered."""
        return self._shared.topic_life

    def withdraw(self, turn: Turn) -> list[Reply]:
        """Take back what the villager sent up: a complaint, or a report."""
        is_complaint = turn.inbound.payload.startswith("take_back:")
        return self.people.take_back(turn) if is_complaint else self.filed.withdraw(turn)

    def status(self, turn: Turn) -> list[Reply]:
        """How a report stands, unless the message asks what a sheet answers."""
        return self.answers.answer_policy(turn) if self.answers.asks_after_all(turn) else self.filed.status(turn)

    def say(self, name: str) -> list[Reply]:
        """One fixed bubble."""
        return [Reply(self._shared.texts.say(name))]

    def known(self, conversation: str) -> Known:
        """What a conversation is about so far."""
        return self._shared.known(conversation)


__all__ = ["Known", "Shared", "Skills"]
