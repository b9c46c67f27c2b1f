"""The assistant without Rasa: the same skills, chosen by a light classifier; reports by a short fixed dialogue."""

from __future__ import annotations

from collections.abc import Callable

from bot.commands import Commands
from bot.intents import LightIntents
from bot.kinds import INTERRUPTS
from bot.skills import Skills
from bot.skills.report import CANCEL_FROM
from bot.turn import Turn
from channels.message import Reply
from knowledge_base.text import normalise

CHITCHAT = ("greet", "thank", "goodbye", "ask_bot", "small_talk", "affirm", "deny")


class FixedDialogue:
    """Answers a turn without Rasa."""

    def __init__(self, skills: Skills, intents: LightIntents, commands: Commands) -> None:
        self._skills, self._intents, self._commands = skills, intents, commands
        self._serving: dict[str, Callable[[Turn], list[Reply]]] = {
            "ask_section": skills.answers.show_section,
            "precheck": skills.prechecks.step,
            "ask_contact": skills.people.contact,
            "ask_human": skills.in_person.ask,
            "ask_status": skills.status,
            "complain": skills.people.complaint,
            "opt_out": skills.people.texts,
            "opt_in": skills.people.texts,
            "cancel": skills.report.cancel,
            "urgent": skills.danger.perhaps_urgent,
            "tell_more": skills.filed.tell_more,
            "withdraw": skills.withdraw,
            **dict.fromkeys(CHITCHAT, skills.people.chitchat),
        }

    def answer(self, turn: Turn, intent: str | None = None) -> list[Reply]:
        """The replies; the turn says what was understood. ``intent`` is what the service knew without a classifier."""
        known = self._skills.known(turn.conversation)
        intent = intent or self._commands.intent(turn, known)
        turn.intent, turn.confidence = (intent, 1.0) if intent else self._guess(turn)
        if known.draft is None and turn.intent == "report_hardship" and self._skills.answers.starts_no_report(turn):
            return self._skills.answers.answer_and_offer(turn)
        if turn.intent in ("inform", "report_hardship"):
            return self._report(turn)
        if known.draft is None:
            return self._serve(turn)
        if turn.intent not in INTERRUPTS:  # neither a question nor a wish: a try at our own question
            turn.intent = "inform"
            return self._report(turn)
        leaves = turn.intent == "cancel" and turn.confidence >= CANCEL_FROM
        replies = self._serve(turn)
        turn.interrupted = True
        return replies if leaves else replies + self._report(turn)

    def _guess(self, turn: Turn) -> tuple[str, float]:
        if turn.vector is None:
            return "nlu_fallback", 0.0
        return self._intents.intent(normalise(turn.text), turn.vector, has_topic=bool(turn.last))

    def _report(self, turn: Turn) -> list[Reply]:
        step = self._skills.report.step(turn)
        return step.replies + self._skills.report.file(turn) if step.is_complete else step.replies

    def _serve(self, turn: Turn) -> list[Reply]:
        return self._serving.get(turn.intent, self._skills.answers.answer_policy)(turn)
