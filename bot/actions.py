"""rasa-sdk actions: thin, each finds its turn and lets a skill do the work.

They run inside the service, on a loopback port with a token. An action that is called for no open turn is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import ActionExecutor, CollectingDispatcher

from bot.client import MARKER
from bot.kinds import INTERRUPTS
from bot.report import SLOTS
from bot.skills import Skills
from bot.turn import Turn, Turns
from channels.message import Reply
from core.errors import MingbaiError

FLAGS = {slot: f"report_{slot}" for slot in SLOTS}


class TurnOver(MingbaiError):
    """这一轮已经结束了。"""

    # Not rasa-sdk's ActionExecutionRejection: Rasa answers that by predicting again, and with every action refused it
    # would never stop.


class TurnAction(Action):  # type: ignore[misc]  # rasa-sdk is not read by the type checker
    """An action of a turn: runs a skill in a thread while the turn is open, says the replies and the marker."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> list[EventType]:
        """Raises TurnOver when the turn was given up or never was ours."""
        message_id = (tracker.latest_message.get("metadata") or {}).get("message_id", "")
        turn = self._turns.get(message_id)
        if turn is None:
            raise TurnOver
        intent = tracker.latest_message.get("intent") or {}
        return await asyncio.to_thread(self._locked, turn, intent, dispatcher)

    def act(self, turn: Turn) -> tuple[list[Reply], list[EventType]]:
        """What to say, and the events for Rasa."""
        raise NotImplementedError

    def _locked(self, turn: Turn, intent: dict[str, Any], dispatcher: CollectingDispatcher) -> list[EventType]:
        with turn.lock:
            if self._turns.get(turn.id) is None:  # given up while we waited
                raise TurnOver
            turn.intent, turn.confidence = intent.get("name") or "nlu_fallback", float(intent.get("confidence") or 0)
            replies, events = self.act(turn)
            for reply in replies:
                dispatcher.utter_message(text=reply.text, buttons=[asdict(button) for button in reply.buttons])
            dispatcher.utter_message(json_message={MARKER: turn.id})
            return events


class SkillAction(TurnAction):
    """An action that only speaks (and does what its skill does). Inside a report it counts as an interruption."""

    def __init__(self, turns: Turns, name: str, skill: Callable[[Turn], list[Reply]]) -> None:
        super().__init__(turns)
        self._name, self._skill = name, skill

    def name(self) -> str:
        return self._name

    def act(self, turn: Turn) -> tuple[list[Reply], list[EventType]]:
        replies = self._skill(turn)
        turn.interrupted = True
        return replies, []


class ValidateReportForm(TurnAction):
    """Takes the answer into the draft and asks the next question; tells Rasa only which slots are filled."""

    def __init__(self, turns: Turns, skills: Skills) -> None:
        super().__init__(turns)
        self._skills = skills

    def name(self) -> str:
        return "validate_report_form"

    def act(self, turn: Turn) -> tuple[list[Reply], list[EventType]]:
        open_draft = self._skills.known(turn.conversation).draft
        if turn.intent in INTERRUPTS and not turn.interrupted:
            return [], []  # nothing extracted: the form steps back and the interruption's rule is served
        if open_draft is None and turn.intent not in ("report_hardship", "inform"):
            # the draft is gone: left just now, or filed while Rasa was down; the form has nothing to ask
            return [], [SlotSet("requested_slot", None), *(SlotSet(flag, None) for flag in FLAGS.values())]
        if open_draft is None and turn.intent == "report_hardship" and self._skills.answers.starts_no_report(turn):
            replies = self._skills.answers.answer_and_offer(turn)
            turn.interrupted = True
            return replies, [SlotSet("requested_slot", None)]
        step = self._skills.report.step(turn)
        if step.filled is None:  # a child is sent to an adult: there is no report any more
            turn.interrupted = True  # said all there is: the action at the form's end keeps silent
            return step.replies, [SlotSet("requested_slot", None), *(SlotSet(flag, None) for flag in FLAGS.values())]
        return step.replies, [SlotSet(FLAGS[slot], True if step.filled[slot] else None) for slot in SLOTS]


class EndReport(TurnAction):
    """Files or leaves the report and clears the form's flags."""

    def __init__(self, turns: Turns, skills: Skills, name: str, skill: Callable[[Turn], list[Reply]]) -> None:
        super().__init__(turns)
        self._skills, self._name, self._skill = skills, name, skill

    def name(self) -> str:
        return self._name

    def act(self, turn: Turn) -> tuple[list[Reply], list[EventType]]:
        replies = self._skill(turn)
        if not replies and not turn.interrupted:  # there was no report to end: the message stands for itself
            replies = self._skills.answers.answer_policy(turn)
        turn.interrupted = True
        return replies, [SlotSet(flag, None) for flag in FLAGS.values()]


def executor_for(turns: Turns, skills: Skills) -> ActionExecutor:
    """rasa-sdk's executor with all actions of the domain."""
    speaking: dict[str, Callable[[Turn], list[Reply]]] = {
        "action_answer_policy": skills.answers.answer_policy,
        "action_show_section": skills.answers.show_section,
        "action_precheck": skills.prechecks.step,
        "action_chitchat": skills.people.chitchat,
        "action_contact": skills.people.contact,
        "action_human": skills.in_person.ask,
        "action_status": skills.status,
        "action_complaint": skills.people.complaint,
        "action_texts": skills.people.texts,
        "action_tell_more": skills.filed.tell_more,
        "action_withdraw": skills.withdraw,
        "action_urgent": skills.danger.perhaps_urgent,
    }
    executor = ActionExecutor()
    for name, skill in speaking.items():
        executor.register_action(SkillAction(turns, name, skill))
    executor.register_action(ValidateReportForm(turns, skills))
    executor.register_action(EndReport(turns, skills, "action_file_report", skills.report.file))
    executor.register_action(EndReport(turns, skills, "action_cancel_report", skills.report.cancel))
    return executor
