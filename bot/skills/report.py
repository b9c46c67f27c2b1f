"""The self-report: taking the answers into the draft, filing it as a case, leaving it."""

from __future__ import annotations

from dataclasses import asdict

from bot.records import conversation_row, once
from bot.report import Draft, ReportDialogue
from bot.skills.answers import ANSWER_FROM, Answers
from bot.skills.shared import Shared, view_of
from bot.turn import Turn
from cadres.case import Details
from channels.message import Button, CaseView, Reply
from core.regions import Region

CANCEL_FROM = 0.7  # NLU must be this sure before a report's draft is thrown away


class Reporting:
    """The open report of a conversation."""

    def __init__(self, shared: Shared, answers: Answers) -> None:
        self._shared, self._answers = shared, answers
        self.dialogue = ReportDialogue(shared.regions, shared.county.code)

    def step(self, turn: Turn) -> tuple[Draft, list[Reply]]:
        """Begin the report or take the next answer; gives the draft as it stands and the next question, if any."""
        resumes = turn.inbound.payload.startswith(("do:", "precheck:")) or self.dialogue.is_bare_wish(turn.text)
        answers = not turn.interrupted and not resumes

        def effect() -> dict[str, object]:
            row = conversation_row(session, turn.conversation)
            starting = row.draft is None
            if row.draft is None:
                draft = self.dialogue.begin(turn.text, turn.region)
            else:
                draft = Draft.from_json(self._shared.vault.unseal_json(row.draft))
                if turn.inbound.payload.startswith("place:"):
                    self.dialogue.choose_place(draft, turn.inbound.payload.removeprefix("place:"))
                elif answers:
                    self.dialogue.take(draft, turn.text)
            question = self.dialogue.ask(draft, counting=answers)
            row.draft = self._shared.vault.seal_json(draft.as_json())
            return {"draft": draft.as_json(), "question": question, "starting": starting}

        with self._shared.database.begin() as session:
            done = once(session, self._shared.vault, turn.id, "report_step", effect)
        turn.kind = turn.kind if turn.interrupted else "report"
        draft = Draft.from_json(done["draft"])
        replies = [Reply(self._shared.texts.say("report_start"))] if done["starting"] and not turn.interrupted else []
        if done["question"]:
            options = [Button(option.short, f"place:{option.code}") for option in self._options(draft)]
            replies.append(Reply(self._shared.texts.say(done["question"]), options))
        return draft, replies

    def file(self, turn: Turn) -> list[Reply]:
        """Make the complete draft a case, and say its number, what comes next, and whom to call."""

        def effect() -> dict[str, object] | None:
            row = conversation_row(session, turn.conversation)
            if row.draft is None:
                return None
            draft = Draft.from_json(self._shared.vault.unseal_json(row.draft))
            if draft.missing:
                return None
            details = Details(event=draft.event, place=draft.place, contact=draft.contact)
            said = [("villager", text) for text in draft.said]
            case = self._shared.cases.open(session, turn.conversation, draft.region, details, said)
            row.draft, row.region = None, draft.region
            return {"view": asdict(view_of(case)), "region": draft.region, "place": draft.place}

        with self._shared.database.begin() as session:
            done = once(session, self._shared.vault, turn.id, "file_report", effect)
            if done is None:
                return []
            call = self._shared.whom_to_call(session, done["region"])
        turn.kind, turn.case = "report", CaseView(**done["view"])
        filed = self._shared.texts.say("report_filed", number=turn.case.number, place=done["place"])
        following = "report_next_accepted" if self._shared.county.accepted_door else "report_next"
        return [Reply(filed), Reply(self._shared.texts.say(following, contact=call))]

    def cancel(self, turn: Turn) -> list[Reply]:
        """Leave the report and keep nothing of it; when it is not certain that this was meant, ask first."""
        draft = self._shared.known(turn.conversation).draft
        if draft is not None and turn.confidence < CANCEL_FROM:
            return self._cancel_or_not(turn)
        if draft is None and self._answers.was_a_question(turn, doubt_below=1.0):
            return self._answers.answer_policy(turn)

        def effect() -> bool:
            row = conversation_row(session, turn.conversation)
            had, row.draft = row.draft is not None, None
            return had

        with self._shared.database.begin() as session:
            had = once(session, self._shared.vault, turn.id, "cancel_report", effect)
        turn.kind = "report" if had else None
        return [Reply(self._shared.texts.say("report_cancelled" if had else "nothing_to_cancel"))]

    def _cancel_or_not(self, turn: Turn) -> list[Reply]:
        """A question that sounds like leaving is answered; else the villager chooses."""
        if self._answers.confidence(turn) >= ANSWER_FROM:
            turn.intent = "ask_policy"
            return self._answers.answer_policy(turn)
        turn.kind = "report"
        choices = [Button("接着报", "do:report_hardship"), Button("不报了", "do:cancel")]
        return [Reply(self._shared.texts.say("report_leave_sure"), choices)]

    def _options(self, draft: Draft) -> list[Region]:
        return self.dialogue.options(draft) if draft.missing == "place" else []
