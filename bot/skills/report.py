"""The self-report: taking the answers into the draft, filing it as a case, leaving it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import reading
from bot.records import Conversation, Effect, conversation_row, once
from bot.report import NOTICE, SLOTS, Draft, ReportDialogue
from bot.skills.answers import ANSWER_FROM, Answers
from bot.skills.shared import Shared, view_of
from bot.turn import Turn
from cadres.case import Case, Details
from channels.message import Button, CaseView, Reply
from core import clock

CANCEL_FROM = 0.7  # NLU must be this sure before a report's draft is thrown away
EVENT_LIMIT = 4000  # characters of a case's story; what is beyond it stands in its messages


@dataclass(frozen=True)
class Step:
    """What came of a step: which slots are filled, or None where there is no report any more; and what to say."""

    filled: dict[str, bool] | None
    replies: list[Reply] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        return self.filled is not None and all(self.filled.values())


class Reporting:
    """The open report of a conversation."""

    def __init__(self, shared: Shared, answers: Answers, dialogue: ReportDialogue) -> None:
        self._shared, self._answers, self._dialogue = shared, answers, dialogue

    def step(self, turn: Turn) -> Step:
        """Begin the report or take the next answer, and put the next question, if any."""

        def effect() -> dict[str, object]:
            row = conversation_row(session, turn.conversation)
            draft = self._open_draft(row)
            if reading.is_child(turn.text):
                self._drop(session, row, turn)
                return {"child": True}
            starting = draft is None or not draft.asked  # begun just now, perhaps with the answers of a pre-check
            draft, question = self._taken(draft, turn)
            keep_draft(self._shared, row, draft)
            # of the draft itself nothing is kept beside the row: who refuses it later must leave nothing
            filled = {slot: draft.has(slot) for slot in SLOTS}
            options = [[option.short, option.code] for option in self._dialogue.options(draft)] if question else []
            return {"filled": filled, "question": question, "starting": starting, "options": options}

        with self._shared.database.begin() as session:
            done = once(session, self._shared.vault, turn.id, "report_step", effect)
            call = self._shared.whom_to_call(session, turn.region)
        turn.kind = turn.kind if turn.interrupted else "report"
        if "child" in done:
            return Step(None, [Reply(self._say("report_child", contact=call), [Button("家里没有大人", "do:child_alone")])])
        return Step(done["filled"], self._asking(turn, done))

    def took(self, message_id: str) -> str | None:
        """The intent under which a message was taken before, where it is answered again after a crash."""
        acted = select(Effect.action).where(Effect.message_id == message_id)
        with self._shared.database.statement(writes=False) as connection:
            actions = connection.execute(acted).scalars().all()
        return "inform" if "report_step" in actions else "tell_more" if "tell_more" in actions else None

    def _taken(self, draft: Draft | None, turn: Turn) -> tuple[Draft, str]:
        resumes = turn.inbound.payload.startswith(("do:", "precheck:")) or self._dialogue.is_bare_wish(turn.text)
        answers = not turn.interrupted and not resumes
        if draft is None:
            draft = self._dialogue.begin(turn.text, turn.region)
            draft.messages.append(turn.id)
        elif turn.inbound.payload.startswith("place:"):
            self._dialogue.choose_place(draft, turn.inbound.payload.removeprefix("place:"))
        elif answers:
            answers = self._dialogue.take(draft, turn.text)
            draft.messages.append(turn.id)
        return draft, self._dialogue.ask(draft, counting=answers)

    def _asking(self, turn: Turn, done: dict[str, object]) -> list[Reply]:
        replies = []
        if done["starting"] and not turn.interrupted:
            keep = self._shared.county.keep or self._say("report_keep")
            replies = [Reply(self._say("report_start")), Reply(self._say("report_notice", keep=keep))]
        if done["question"]:
            options = done["options"]
            assert isinstance(options, list)
            buttons = [Button(name, f"place:{code}") for name, code in options]
            replies.append(Reply(self._say(str(done["question"])), buttons))
        return replies

    def file(self, turn: Turn) -> list[Reply]:
        """Make the complete draft a case, and say its number, what comes next, and whom to call."""

        def effect() -> dict[str, object] | None:
            row = conversation_row(session, turn.conversation)
            draft = self._open_draft(row)
            if draft is None or draft.missing:
                return None
            case, joined = self._case_of(session, turn.conversation, draft)
            said = {"view": asdict(view_of(case)), "region": draft.region, "place": draft.place, "proxy": case.proxy}
            if not draft.whom or reading.is_near(draft.whom):
                row.region = draft.region
            draft = Draft(number=case.number, whom=draft.whom, region=draft.region)
            question = self._dialogue.further(draft)
            keep_draft(self._shared, row, draft)
            return {**said, "joined": joined, "question": question}

        with self._shared.database.begin() as session:
            done = once(session, self._shared.vault, turn.id, "file_report", effect)
            if done is None:
                return []
            call = self._shared.whom_to_call(session, done["region"])
        turn.kind, turn.case = "report", CaseView(**done["view"])
        name = "report_joined" if done["joined"] else "report_filed_proxy" if done["proxy"] else "report_filed"
        filed = self._say(name, number=turn.case.number, place=done["place"])
        return [Reply(filed), Reply(self._what_is_next(call)), ask_further(self._shared, done["question"])]

    def _case_of(self, session: Session, conversation: str, draft: Draft) -> tuple[Case, bool]:
        """The draft's case: the sender's own open one of the same household, else a new one."""
        cases, said = self._shared.cases, [("villager", text) for text in draft.said]
        case = cases.to_join(session, conversation, draft.region, draft.whom)
        if case is not None:
            details = cases.details(case)
            contact = draft.contact or details.contact
            cases.add_messages(session, case, said)
            cases.change_details(case, event=f"{details.event}；{draft.event}"[:EVENT_LIMIT], contact=contact)
            return case, True
        details = Details(draft.event[:EVENT_LIMIT], draft.place, draft.contact, whom=draft.whom)
        return cases.open(session, conversation, draft.region, details, said, notice=NOTICE), False

    def _what_is_next(self, call: str) -> str:
        county = self._shared.county
        name = "report_next_accepted" if county.accepted_door else "report_next"
        said = self._say(name, contact=call)
        if county.rule is None:
            return said
        rule = self._say("report_rule", text=county.rule.text, days=str(county.rule.days), document=county.rule.document)
        return f"{rule}\n{said}"

    def cancel(self, turn: Turn) -> list[Reply]:
        """Leave the report and keep nothing of it; when it is not certain that this was meant, ask first."""
        known = self._shared.known(turn.conversation)
        if known.draft is not None and turn.confidence < CANCEL_FROM:
            return self._cancel_or_not(turn)
        if known.draft is None and self._answers.was_a_question(turn, doubt_below=1.0):
            return self._answers.answer_policy(turn)

        def effect() -> bool:
            row = conversation_row(session, turn.conversation)
            had = self._open_draft(row) is not None
            self._drop(session, row, turn)
            return had

        with self._shared.database.begin() as session:
            had = once(session, self._shared.vault, turn.id, "cancel_report", effect)
            call = self._shared.whom_to_call(session, turn.region)
        turn.kind = "report" if had else None
        if had and reading.disagrees(turn.text):
            return [Reply(self._say("report_refused", contact=call))]
        return [Reply(self._say("report_cancelled" if had else "nothing_to_cancel"))]

    def _cancel_or_not(self, turn: Turn) -> list[Reply]:
        """A question that sounds like leaving is answered; else the villager chooses."""
        if self._answers.confidence(turn) >= ANSWER_FROM:
            turn.intent = "ask_policy"
            return self._answers.answer_policy(turn)
        turn.kind = "report"
        choices = [Button("接着报", "do:report_hardship"), Button("不报了", "do:cancel")]
        return [Reply(self._say("report_leave_sure"), choices)]

    def _open_draft(self, row: Conversation) -> Draft | None:
        """The draft that is not filed yet."""
        draft = Draft.from_json(self._shared.vault.unseal_json(row.draft)) if row.draft else None
        return None if draft is None or draft.number else draft

    def _drop(self, session: Session, row: Conversation, turn: Turn) -> None:
        """Throw an unfiled draft away, with the journalled messages that it was told in."""
        draft = self._open_draft(row)
        if draft is not None:
            self._shared.forget(session, [*draft.messages, turn.id])
        keep_draft(self._shared, row, None)

    def _say(self, name: str, **values: str) -> str:
        return self._shared.texts.say(name, **values)


def keep_draft(shared: Shared, row: Conversation, draft: Draft | None) -> None:
    """Store a conversation's draft, or that there is none."""
    row.draft = None if draft is None else shared.vault.seal_json(draft.as_json())
    tells = draft is not None and not draft.number and draft.has("event") and draft.has("place")
    row.draft_region = draft.region if draft is not None and tells else None
    row.draft_at = clock.now() if row.draft_region else None


def ask_further(shared: Shared, slot: str) -> Reply:
    """The next further question; the end where there is none."""
    if not slot:
        return Reply(shared.texts.say("more_done"))
    # «2» to «how many are you» is an answer: no numbered choices there
    buttons = [] if slot == "household" else [Button("跳过", "more:skip"), Button("不说了", "more:stop")]
    return Reply(shared.texts.say(f"ask_{slot}"), buttons)
