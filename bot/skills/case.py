"""A report that is filed: its further questions, what is added or put right later, how it stands, taking it back."""

from __future__ import annotations

import hmac
from dataclasses import asdict
from datetime import timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from bot import reading
from bot.records import StatusTry, conversation_row, once
from bot.report import FURTHER, Draft, ReportDialogue
from bot.skills.report import EVENT_LIMIT, ask_further, keep_draft
from bot.skills.shared import Shared, view_of
from bot.turn import Turn
from cadres.case import STATES, Case
from channels.message import Button, CaseView, Reply
from core import clock

TRIES, TRIES_WITHIN = 5, timedelta(days=1)  # wrong numbers or phones, of a sender and for a number


class FiledReports:
    """The sender's own cases, and those that they can prove to be theirs."""

    def __init__(self, shared: Shared, dialogue: ReportDialogue) -> None:
        self._shared, self._dialogue = shared, dialogue

    def has_open(self, conversation: str) -> bool:
        """Whether a sender has a report that is not closed."""
        with self._shared.database.read() as session:
            return self._shared.cases.latest_open(session, conversation) is not None

    # --- adding --------------------------------------------------------------------------------------------------

    def tell_more(self, turn: Turn) -> list[Reply]:
        """Take an answer to a further question, an addition or a correction into the case, at once."""

        def effect() -> dict[str, object]:
            row = conversation_row(session, turn.conversation)
            stored = Draft.from_json(self._shared.vault.unseal_json(row.draft)) if row.draft else None
            draft = stored if stored is not None and stored.number else None
            case = self._case_to_change(session, turn, draft)
            if case is None:
                return {"said": "nothing_to_add"}
            said, question = self._change(session, case, draft, turn)
            if draft is not None:
                keep_draft(self._shared, row, draft if draft.asked else None)
            return {"said": said, "question": question, "view": asdict(view_of(case))}

        with self._shared.database.begin() as session:
            done = once(session, self._shared.vault, turn.id, "tell_more", effect)
        turn.kind = "report"
        view = done.get("view")
        if view is None:
            return [Reply(self._say(done["said"]))]
        turn.case = CaseView(**view)
        replies = [Reply(self._say(done["said"], number=turn.case.number))] if done["said"] else []
        return replies if done["question"] is None else [*replies, ask_further(self._shared, done["question"])]

    def _case_to_change(self, session: Session, turn: Turn, draft: Draft | None) -> Case | None:
        if draft is not None:
            case = self._shared.cases.by_number(session, draft.number)
            if case is not None and case.conversation == turn.conversation and case.state != "withdrawn":
                return case
        return self._shared.cases.latest_open(session, turn.conversation)

    def _change(self, session: Session, case: Case, draft: Draft | None, turn: Turn) -> tuple[str, str | None]:
        """What to say, and the further question to put: empty at their end, None to put none."""
        text, payload = turn.text, turn.inbound.payload
        if draft is not None:
            if payload == "more:stop" or (not payload and reading.stops(text)):
                draft.asked = ""
                return "", ""
            if payload == "more:skip" or (not payload and reading.skips(text)):
                return "", self._dialogue.further(draft)
            if reading.goes_back(text):
                return "", self._dialogue.further(draft, back=True)
        addition = reading.adds(text)
        if addition == "":
            return "add_what", None
        self._shared.cases.add_messages(session, case, [("villager", text)])
        if addition is None and reading.wrong_slot(text) and not reading.correction(text):
            return "correct_how", None
        if addition is None and self._correct(case, text):
            return "corrected", draft.asked if draft is not None and draft.asked else None
        if addition is None and draft is not None and draft.asked in FURTHER:
            self._shared.cases.change_details(case, **{draft.asked: text})
            return "", self._dialogue.further(draft)
        event = f"{self._shared.cases.details(case).event}；{addition or text}"
        self._shared.cases.change_details(case, event=event[:EVENT_LIMIT])
        return "added", draft.asked if draft is not None and draft.asked else None

    def _correct(self, case: Case, text: str) -> bool:
        """Put a corrected phone number, village or household into the case. What is none of these is added as it is said."""
        new = reading.correction(text)
        if not new:
            return False
        changed = {}
        if phone := reading.find_phone(new):
            changed["contact"] = phone
        if household := reading.find_household(new):
            changed["household"] = household
        village = self._dialogue.village(new)
        if village is not None:
            case.region = village.code
            changed["place"] = self._shared.regions.spoken(village.code)
        if changed:
            self._shared.cases.change_details(case, **changed)
        return bool(changed)

    # --- taking back -----------------------------------------------------------------------------------------------

    def withdraw(self, turn: Turn) -> list[Reply]:
        """Ask whether the report is to be taken back, and take it back when that was confirmed."""
        number = turn.inbound.payload.removeprefix("withdraw:") if turn.inbound.payload.startswith("withdraw:") else ""

        def effect() -> dict[str, object]:
            cases = self._shared.cases.of_conversation(session, turn.conversation)
            case = next((one for one in cases if one.number == number), None)
            if case is None or not self._shared.cases.withdraw(session, case):
                return {"view": None}
            self._shared.cases.add_messages(session, case, [("villager", turn.text or "撤回")])
            keep_draft(self._shared, conversation_row(session, turn.conversation), None)
            return {"view": asdict(view_of(case))}

        with self._shared.database.begin() as session:
            case = self._shared.cases.latest_open(session, turn.conversation)
            call = self._shared.whom_to_call(session, case.region if case else turn.region)
            if not number:
                return self._whether_to_withdraw(turn, case, call)
            done = once(session, self._shared.vault, turn.id, "withdraw", effect)
        turn.kind = "report"
        if done["view"] is None:
            return [Reply(self._say("withdraw_not", contact=call))]
        turn.case = CaseView(**done["view"])
        return [Reply(self._say("withdrawn", number=turn.case.number))]

    def _whether_to_withdraw(self, turn: Turn, case: Case | None, call: str) -> list[Reply]:
        if case is None:
            return [Reply(self._say("nothing_to_cancel"))]
        turn.kind = "report"
        if case.urgency == "urgent" or case.proxy:
            return [Reply(self._say("withdraw_not", contact=call))]
        choices = [Button("撤回", f"withdraw:{case.number}"), Button("不撤回", "do:ask_status")]
        return [Reply(self._say("withdraw_sure", number=case.number), choices)]

    # --- how it stands -----------------------------------------------------------------------------------------------

    def status(self, turn: Turn) -> list[Reply]:
        """How a report stands: the sender's own, or one whose number and last four digits of the phone they can say."""
        payload = turn.inbound.payload
        number = payload.removeprefix("status:") if payload.startswith("status:") else reading.find_case_number(turn.text)
        with self._shared.database.begin() as session:
            cases = self._shared.cases.of_conversation(session, turn.conversation)
            own = next((case for case in cases if case.number == number), None) or (None if number else next(iter(cases), None))
            if own is not None:
                turn.case = view_of(own)
                return [self._stands(session, own, passed_on=own.proxy)]
            if number:
                return self._by_number(session, turn, number)
            call = self._shared.whom_to_call(session, turn.region)
            has_draft = self._shared.known(turn.conversation).draft is not None
        return [Reply(self._say("status_draft") if has_draft else self._say("status_none", contact=call))]

    def _stands(self, session: Session, case: Case, *, passed_on: bool) -> Reply:
        call = self._shared.whom_to_call(session, case.region)
        if passed_on:
            return Reply(self._say("status_passed_on", number=case.number, contact=call))
        return Reply(self._say("status", number=case.number, state=STATES[case.state], contact=call))

    def _by_number(self, session: Session, turn: Turn, number: str) -> list[Reply]:
        """A wrong number and a wrong phone are answered alike: nobody learns which numbers there are."""
        last_four = reading.find_last_four(turn.text.replace(number, " "))
        if not last_four:
            return [Reply(self._say("status_last_four"), [Button("不记得了", f"forgot:{number}")])]

        def effect() -> str:
            if self._tried_too_often(session, turn.conversation, number):
                return "too_often"
            case = self._shared.cases.by_number(session, number)
            phone = self._shared.cases.details(case).contact if case is not None else ""
            if phone and hmac.compare_digest(phone[-4:], last_four):
                return "shown"
            session.add(StatusTry(conversation=turn.conversation, number=number, at=clock.now()))
            return "no_match"

        call = self._shared.whom_to_call(session, self._shared.county.code)
        came = once(session, self._shared.vault, turn.id, "status", effect)
        if came != "shown":
            return [Reply(self._say(f"status_{came}", contact=call))]
        case = self._shared.cases.by_number(session, number)
        assert case is not None
        turn.case = CaseView(case.number, case.urgency, STATES[case.state])
        return [self._stands(session, case, passed_on=False)]

    def _tried_too_often(self, session: Session, conversation: str, number: str) -> bool:
        conversation_row(session, conversation)  # locked: tries of one sender at the same moment are counted one by one
        tries = select(StatusTry.conversation, StatusTry.number).where(
            StatusTry.at > clock.now() - TRIES_WITHIN, or_(StatusTry.conversation == conversation, StatusTry.number == number)
        )
        rows = session.execute(tries).all()
        of_sender = sum(1 for row in rows if row.conversation == conversation)
        for_number = sum(1 for row in rows if row.number == number)
        return max(of_sender, for_number) >= TRIES

    def _say(self, name: str, **values: str) -> str:
        return self._shared.texts.say(name, **values)
