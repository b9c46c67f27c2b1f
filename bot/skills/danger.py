"""Danger to life: the numbers at once, and an urgent case with what is known."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy.orm import Session

from bot.records import once
from bot.skills.answers import Answers
from bot.skills.shared import Shared, view_of
from bot.turn import Turn
from bot.urgent import UNKNOWN
from cadres.case import Case, Details
from channels.message import Button, CaseView, Reply

URGENT_FROM = 0.5  # NLU must be this sure of danger that neither lexicon nor classifier saw


class Danger:
    """Urgent messages."""

    def __init__(self, shared: Shared, answers: Answers) -> None:
        self._shared, self._answers = shared, answers

    def urgent(self, turn: Turn, danger: str) -> list[Reply]:
        """The emergency numbers at once, and an urgent case with what is known, whose alert rings; a sender's repeats
        join it."""

        where = self._village_named(turn, in_full=True) or turn.region

        def effect() -> dict[str, object]:
            case = self._shared.cases.open_urgent(session, turn.conversation)
            joined = case is not None
            if case is None:
                details = Details(event=turn.text, place=self._shared.regions.spoken(where))
                case = self._shared.cases.open(
                    session, turn.conversation, where, details, [("villager", turn.text)], danger=danger
                )
                self._shared.alerts.start(session, case, turn.inbound.origin)
            else:
                self._shared.cases.add_messages(session, case, [("villager", turn.text)])
                if not self._place_case(session, case, turn):
                    self._shared.alerts.repeat(session, case, turn.inbound.origin)
            return {"view": asdict(view_of(case)), "joined": joined}

        with self._shared.database.begin() as session:
            done = once(session, self._shared.vault, turn.id, "urgent", effect)
            call = self._shared.whom_to_call(session, where)
        turn.kind, turn.case = "urgent", CaseView(**done["view"])
        numbers = self._shared.texts.say(f"urgent_{danger}", contact=call)
        follow = self._shared.texts.say("urgent_joined" if done["joined"] else "urgent_case", number=turn.case.number)
        return [Reply(numbers), Reply(follow)]

    def perhaps_urgent(self, turn: Turn) -> list[Reply]:
        """NLU hears danger, the check of every message did not: act if NLU is sure, else answer and ask."""
        if turn.inbound.payload == "do:child_alone":
            return self.urgent(turn, "child_alone")
        if turn.confidence >= URGENT_FROM or turn.inbound.payload == "do:urgent":
            return self.urgent(turn, UNKNOWN)
        turn.intent = "nlu_fallback"
        return [
            *self._answers.answer_policy(turn),
            Reply(self._shared.texts.say("urgent_ask"), [Button("是，有危险", "do:urgent")]),
        ]

    def add_to_urgent(self, turn: Turn) -> list[Reply] | None:
        """A place told after the question «您现在在哪个村» belongs to the urgent case; None if there is none to join."""
        if self._village_named(turn) is None or len(turn.text) > 40:
            return None

        def effect() -> dict[str, object] | None:
            case = self._shared.cases.open_urgent(session, turn.conversation)
            if case is None or len(case.region) == 12:
                return None
            self._shared.cases.add_messages(session, case, [("villager", turn.text)])
            self._place_case(session, case, turn)
            return asdict(view_of(case))

        with self._shared.database.begin() as session:
            view = once(session, self._shared.vault, turn.id, "urgent_place", effect)
        if view is None:
            return None
        turn.kind, turn.intent, turn.confidence, turn.case = "urgent", "inform", 1.0, CaseView(**view)
        return [Reply(self._shared.texts.say("urgent_joined", number=turn.case.number))]

    def _place_case(self, session: Session, case: Case, turn: Turn) -> bool:
        """Move a case without a village to the one that is named now, and ring there."""
        village = self._village_named(turn)
        if len(case.region) == 12 or village is None:
            return False
        case.region = village
        self._shared.cases.change_details(case, place=self._shared.regions.spoken(case.region))
        self._shared.alerts.start(session, case, turn.inbound.origin)
        return True

    def _village_named(self, turn: Turn, *, in_full: bool = False) -> str | None:
        """The village that a message names, if it is one only. ``in_full``: not by its stem alone («平安»), which may be a
        word like any other where nobody was asked for a place."""
        villages = self._shared.regions.find_villages(turn.text, self._shared.county.code)
        if len(villages) != 1 or (in_full and villages[0].short not in turn.text):
            return None
        return villages[0].code
