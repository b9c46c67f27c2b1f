"""What the assistant can do with a turn. Rasa's actions call these; without Rasa the fixed dialogue does.

Each skill writes what it found into the turn and gives the bubbles to say. Effects are keyed by message and action.
"""

from __future__ import annotations

from bot.skills.answers import Answers
from bot.skills.danger import Danger
from bot.skills.in_person import InPerson
from bot.skills.people import People
from bot.skills.precheck import Forget, PreChecks
from bot.skills.report import Reporting
from bot.skills.shared import Known, Shared
from channels.message import Reply


class Skills:
    """The skills of one county's assistant. ``forget`` blanks messages of the journal."""

    def __init__(self, shared: Shared, forget: Forget) -> None:
        self._shared = shared
        self.prechecks = PreChecks(shared, forget)
        self.answers = Answers(shared, self.prechecks)
        self.people = People(shared, self.answers)
        self.danger = Danger(shared, self.answers)
        self.in_person = InPerson(shared, self.danger)
        self.report = Reporting(shared, self.answers)

    def say(self, name: str) -> list[Reply]:
        """One fixed bubble."""
        return [Reply(self._shared.texts.say(name))]

    def known(self, conversation: str) -> Known:
        """What a conversation is about so far."""
        return self._shared.known(conversation)


__all__ = ["Known", "Shared", "Skills"]
