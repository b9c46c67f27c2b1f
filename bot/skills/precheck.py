"""The pre-check in chat (我家够不够条件): offered after an answer on eligibility, one question at a time, left at any time.

The answers lie, encrypted, with the conversation. They are gone at the end or after a day, out of the journal too,
unless the villager carries them into a report.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bot.precheck import is_answer, read_typed, wants_to_leave
from bot.records import Conversation, Effect, conversation_row, once
from bot.report import Draft
from bot.skills.shared import Shared
from bot.turn import Turn
from channels.message import Button, Reply
from core import clock
from knowledge_base.condition import Value
from knowledge_base.confirmation import confirmed_precheck
from knowledge_base.criteria import Question
from knowledge_base.precheck import UNKNOWN, BadAnswer, Outcome, PreCheck, read_answer
from knowledge_base.search import Hit

PREFIX = "precheck:"
CARRY = f"{PREFIX}report"
KEPT_FOR = timedelta(days=1)
EFFECT = "precheck"


@dataclass
class OpenPreCheck:
    """How far a conversation's pre-check is. ``messages``: ids of those that carried answers."""

    sheet: str
    region: str
    answers: dict[str, Value | None] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)


class PreChecks:
    """The pre-checks of one county's conversations."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    # --- what others ask -----------------------------------------------------------------------------------------

    def offer(self, hit: Hit) -> list[Button]:
        """The button after an answer on eligibility, where the county has confirmed the criteria."""
        if hit.aspect != "eligibility":
            return []
        with self._shared.database.read() as session:
            there = self._check(session, hit.sheet, hit.region) is not None
        return [Button("我家够不够条件", f"{PREFIX}start:{hit.region}/{hit.sheet}")] if there else []

    def hears(self, turn: Turn) -> bool:
        """Whether a typed text belongs to the open pre-check: an answer to its question, or the wish to leave."""
        with self._shared.database.read() as session:
            state = self._open(session.get(Conversation, turn.conversation))
            check = self._check(session, state.sheet, state.region) if state else None
        question = check.next_question(state.answers) if state and check else None
        if state is None:
            return False
        if turn.id in state.messages or wants_to_leave(turn.text):  # a retry of an answer is the same answer
            return True
        return question is not None and is_answer(question, turn.text)

    def after(self, turn: Turn) -> list[Reply]:
        """What follows a turn that was about something else: the open question once more; or, when a report was begun,
        nothing, and the pre-check is forgotten."""
        if not turn.checking or turn.intent == EFFECT or turn.inbound.payload == CARRY:
            return []
        if turn.kind == "report":
            self.leave(turn.conversation)
            return []
        with self._shared.database.read() as session:
            state = self._open(session.get(Conversation, turn.conversation))
            check = self._check(session, state.sheet, state.region) if state else None
        question = check.next_question(state.answers) if state and check else None
        return [Reply(self._shared.texts.say("precheck_again", text=question.text), _buttons(question))] if question else []

    # --- what villagers do ---------------------------------------------------------------------------------------

    def step(self, turn: Turn) -> list[Reply]:
        """Begin, take an answer, or leave: by button (``precheck:…``) or by a typed answer."""
        turn.kind, turn.intent, turn.confidence = "policy", "precheck", 1.0
        what, _, rest = turn.inbound.payload.removeprefix(PREFIX).partition(":")
        if what == "stop" or (not turn.inbound.payload and wants_to_leave(turn.text)):
            return self._stop(turn)

        def effect() -> dict[str, object]:
            row = conversation_row(session, turn.conversation)
            if row.draft is not None and not Draft.from_json(self._shared.vault.unseal_json(row.draft)).number:
                return {"say": "precheck_report_first"}
            region, _, sheet = rest.partition("/")
            state = OpenPreCheck(sheet, region) if what == "start" else self._open(row)
            check = self._check(session, state.sheet, state.region) if state else None
            if state is None or check is None:
                self._clear(session, row)
                return {"say": "precheck_off"}
            misread = _take(check, state, turn, rest) if what != "start" else ""
            self._keep(row, state)
            return {"say": "", "state": asdict(state), "misread": misread}

        with self._shared.database.begin() as session:
            done = once(session, self._shared.vault, turn.id, EFFECT, effect)
            call = self._shared.whom_to_call(session, turn.region)
            if done["say"]:
                return [Reply(self._shared.texts.say(done["say"], contact=call))]
            state = OpenPreCheck(**done["state"])
            check = self._check(session, state.sheet, state.region)
        if check is None:
            return [Reply(self._shared.texts.say("precheck_off", contact=call))]
        replies = [Reply(done["misread"])] if done["misread"] else []
        if what == "start":
            replies.append(Reply(self._introduction(state, check)))
        question = check.next_question(state.answers)
        return replies + ([self._ask(check, state, question)] if question else self._outcome(check.outcome(state.answers)))

    def hold(self, conversation: str, sheet: str, region: str, answers: dict[str, Value | None]) -> None:
        """Keep answers that were given on the page, for the report that follows at once."""
        with self._shared.database.begin() as session:
            self._keep(conversation_row(session, conversation), OpenPreCheck(sheet, region, answers))

    def carry(self, turn: Turn) -> None:
        """Open a report that has the answers with it: «带着这些去申报». The outcome goes nowhere."""

        def effect() -> bool:
            row = conversation_row(session, turn.conversation)
            state = self._open(row)
            check = self._check(session, state.sheet, state.region) if state else None
            stored = Draft.from_json(self._shared.vault.unseal_json(row.draft)) if row.draft else None
            draft = stored if stored is not None and not stored.number else self._new_draft(turn.region)
            if state and check:
                told = "\n".join(f"{question} {answer}" for question, answer in check.told(state.answers))
                draft.said.append(self._shared.texts.say("precheck_carried", answers=told))
                draft.messages += state.messages  # who refuses the report later leaves none of them
            row.draft = self._shared.vault.seal_json(draft.as_json())
            self._clear(session, row, keep_messages=True)
            return True

        with self._shared.database.begin() as session:
            once(session, self._shared.vault, turn.id, f"{EFFECT}_carry", effect)

    def leave(self, conversation: str) -> None:
        """Forget the open pre-check, if there is one: a report was begun without it."""
        with self._shared.database.begin() as session:
            row = session.get(Conversation, conversation)
            if row is not None and row.precheck is not None:
                self._clear(session, row)

    def sweep(self) -> int:
        """Forget the pre-checks that were left open for a day; gives how many."""
        with self._shared.database.begin() as session:
            due = session.scalars(select(Conversation).where(Conversation.precheck_until < clock.now()).with_for_update()).all()
            for row in due:
                self._clear(session, row)
            return len(due)

    # --- inside --------------------------------------------------------------------------------------------------

    def _stop(self, turn: Turn) -> list[Reply]:
        with self._shared.database.begin() as session:
            self._clear(session, conversation_row(session, turn.conversation))
        return [Reply(self._shared.texts.say("precheck_stopped"))]

    def _introduction(self, state: OpenPreCheck, check: PreCheck) -> str:
        criteria = check.criteria
        titles = {
            (name, place): title for name, title, place in self._shared.searcher().sheet_titles(state.region, clock.today())
        }
        title = titles.get((state.sheet, state.region), "")
        return self._shared.texts.say(
            "precheck_start", title=title, count=str(len(criteria.questions)), year=str(criteria.year), place=criteria.place
        )

    def _ask(self, check: PreCheck, state: OpenPreCheck, question: Question) -> Reply:
        said = self._shared.texts.say(
            "precheck_ask", number=str(len(state.answers) + 1), count=str(len(check.criteria.questions)), text=question.text,
            why=question.why,
        )  # fmt: skip
        return Reply(said, _buttons(question))

    def _outcome(self, outcome: Outcome) -> list[Reply]:
        replies = [Reply(self._shared.texts.say(f"precheck_{outcome.verdict}"))]
        for reason in outcome.reasons:
            said = self._shared.texts.say(
                "precheck_reason", reason=reason.text, clause=reason.clause, year=str(reason.year), source=reason.source,
                check=reason.check,
            )  # fmt: skip
            replies.append(Reply(said))
        if outcome.unknown:
            asked = "；".join(question.text for question in outcome.unknown)
            replies.append(Reply(self._shared.texts.say("precheck_unknown", questions=asked)))
        choices = [("带着这些去申报", CARRY), ("直接报困难", "do:report_hardship"), ("不报，删掉回答", f"{PREFIX}stop")]
        return [*replies, Reply(self._shared.texts.say("precheck_end"), [Button(*choice) for choice in choices])]

    def _check(self, session: Session, sheet: str, region: str) -> PreCheck | None:
        criteria = self._shared.searcher().criteria(sheet, region, clock.today())
        return confirmed_precheck(session, sheet, region, criteria)

    def _open(self, row: Conversation | None) -> OpenPreCheck | None:
        if row is None or row.precheck is None or row.precheck_until is None or row.precheck_until < clock.now():
            return None
        return OpenPreCheck(**self._shared.vault.unseal_json(row.precheck))

    def _keep(self, row: Conversation, state: OpenPreCheck) -> None:
        row.precheck, row.precheck_until = self._shared.vault.seal_json(asdict(state)), clock.now() + KEPT_FOR

    def _clear(self, session: Session, row: Conversation, *, keep_messages: bool = False) -> None:
        """Take the answers out of the conversation, of the effects, and of the journal unless they were carried on."""
        if row.precheck is not None:
            messages = OpenPreCheck(**self._shared.vault.unseal_json(row.precheck)).messages
            session.execute(delete(Effect).where(Effect.message_id.in_(messages), Effect.action == EFFECT))
            if not keep_messages:
                self._shared.forget(session, messages)
        row.precheck = row.precheck_until = None

    def _new_draft(self, region: str) -> Draft:
        return Draft(region=region, place=self._shared.regions.spoken(region)) if len(region) == 12 else Draft()


def _take(check: PreCheck, state: OpenPreCheck, turn: Turn, pressed: str) -> str:
    """Take an answer into the state; gives what to say when it was none. ``pressed``: a button's «question:answer»."""
    name, _, said = pressed.partition(":")
    question = check.criteria.question(name) if pressed else check.next_question(state.answers)
    state.messages.append(turn.id)
    if question is None:
        return ""
    try:
        state.answers[question.id] = read_answer(question, said) if pressed else read_typed(question, turn.text)
    except BadAnswer as error:
        return str(error)
    return ""


def _buttons(question: Question) -> list[Button]:
    choices = {"yesno": {"yes": "是", "no": "不是"}, "choice": question.options or {}, "number": {}}[question.type]
    answers = [Button(title, f"{PREFIX}answer:{question.id}:{value}") for value, title in choices.items()]
    return [*answers, Button("不知道", f"{PREFIX}answer:{question.id}:{UNKNOWN}"), Button("不查了", f"{PREFIX}stop")]
