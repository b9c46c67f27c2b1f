"""The assistant without Rasa: the same skills, chosen by a light classifier; reports by a short fixed dialogue."""

from __future__ import annotations

from collections.abc import Callable

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

    def __init__(self, skills: Skills, intents: LightIntents) -> None:
        self._skills, self._intents = skills, intents
        self._serving: dict[str, Callable[[Turn], list[Reply]]] = {
            "ask_section": skills.answers.show_section,
            "precheck": skills.prechecks.step,
            "ask_contact": skills.people.contact,
            "ask_human": skills.in_person.ask,
            "ask_status": skills.people.status,
            "complain": skills.people.complaint,
            "opt_out": skills.people.texts,
            "opt_in": skills.people.texts,
            "cancel": skills.report.cancel,
            "urgent": skills.danger.perhaps_urgent,
            **dict.fromkeys(CHITCHAT, skills.people.chitchat),
        }

    def answer(self, turn: Turn) -> list[Reply]:
        """The replies; the turn says what was understood."""
        draft = self._skills.known(turn.conversation).draft
        turn.intent, turn.confidence = ("precheck", 1.0) if turn.checks else self._intent(turn)
        if draft is not None and not turn.inbound.payload:
            if self._skills.report.dialogue.is_bare_wish(turn.text):
                turn.intent, turn.confidence = "report_hardship", 1.0
            elif self._skills.report.dialogue.fits(draft, turn.text):
                turn.intent, turn.confidence = "inform", 1.0
        if draft is None and turn.intent == "report_hardship" and self._skills.answers.starts_no_report(turn):
            return self._skills.answers.answer_and_offer(turn)
        if turn.intent in ("inform", "report_hardship"):
            return self._report(turn)
        if draft is None:
            return self._serve(turn)
        if turn.intent not in INTERRUPTS:  # neither a question nor a wish: a try at our own question
            turn.intent = "inform"
            return self._report(turn)
        leaves = turn.intent == "cancel" and turn.confidence >= CANCEL_FROM
        replies = self._serve(turn)
        turn.interrupted = True
        return replies if leaves else replies + self._report(turn)

    def _intent(self, turn: Turn) -> tuple[str, float]:
        prefix, _, value = turn.inbound.payload.partition(":")
        if prefix == "section":
            return "ask_section", 1.0
        if prefix == "place":
            return "inform", 1.0
        if prefix == "precheck":
            return ("report_hardship" if value == "report" else "precheck"), 1.0
        if prefix == "do" and (value in self._serving or value == "report_hardship"):
            return value, 1.0
        if turn.vector is None:
            return "nlu_fallback", 0.0
        return self._intents.intent(normalise(turn.text), turn.vector, has_topic=bool(turn.last))

    def _report(self, turn: Turn) -> list[Reply]:
        draft, replies = self._skills.report.step(turn)
        return replies if draft.missing else replies + self._skills.report.file(turn)

    def _serve(self, turn: Turn) -> list[Reply]:
        return self._serving.get(turn.intent, self._skills.answers.answer_policy)(turn)
