"""What may be done with a case, by whom, and what follows: the rules of rights, states and deadlines in one place.

Every deed goes through ``Workflow.act``: the case is locked, the rules are asked, the deed is done and written down, all in
the caller's transaction. ``Workflow.allowed`` is what the desk shows; ``act`` asks the same rules again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from cadres.case import OPEN, Case, Cases, NoSuchCase, Recusal
from cadres.form import BadForm, Field, answers_of
from cadres.plan import Step
from cadres.referral import Referrals
from core import clock
from core.accounts import Account
from core.errors import MingbaiError
from core.regions import Regions
from core.rights import UNITS, Right, is_within, may
from core.working_days import Limit

REFERRAL_LIMIT = Limit(3, "working")
REOPENED_AT = {"refused": "auditing", "admitted": "auditing", "withdrawn": "reported", "closed": "reported"}
REASON = Field("reason", "原因", "long")
REMARK = Field("text", "说明", "long")
MORE_DAYS = Field("days", "要多几天", "number", least=1, most=15)
COUNTY = 6  # digits
RELIEF = (
    Field("what", "给了什么", "text"),
    Field("amount", "值多少钱（元）", "number", optional=True, most=1_000_000),
    Field("papers", "手续", "choice", options=(("done", "办好了"), ("later", "先给，后补"))),
)


class NotAllowed(MingbaiError):
    """这一步您现在不能办。"""


class Stale(MingbaiError):
    """别人刚刚办过这一件，请看最新情况再办。"""


Deed = Callable[[Session, Account, Case, Mapping[str, str]], None]


class Workflow:
    """The deeds. Every method works inside the caller's transaction."""

    def __init__(self, cases: Cases, referrals: Referrals, regions: Regions) -> None:
        self._cases, self._referrals, self._regions = cases, referrals, regions
        self._deeds: dict[str, Deed] = {
            "advance": self._advance, "send_back": self._send_back, "pause": self._pause, "resume": self._resume,
            "phoned": self._phoned, "visited": self._visited, "relief": self._relief, "up": self._up, "refer": self._refer,
            "transfer": self._transfer, "take_over": self._take_over, "turn_down": self._turn_down, "withdraw": self._withdraw,
            "reopen": self._reopen, "ask_more": self._ask_more, "grant": self._grant, "deny": self._deny,
            "note": self._note, "recuse": self._recuse, "claim": self._claim, "release": self._release,
        }  # fmt: skip

    @property
    def deeds(self) -> list[str]:
        """The names of all deeds."""
        return list(self._deeds)

    def act(
        self, session: Session, account: Account, number: str, deed: str, typed: Mapping[str, str], seen: str | None = None
    ) -> Case:
        """Do something with a case. ``seen``: the state in which the form was opened.

        Raises NoSuchCase, for what the account may not see too; NotAllowed; Stale; BadForm.
        """
        case = self._cases.visible(session, account, number)
        session.flush()
        session.refresh(case, with_for_update=True)
        if not (is_within(account, case.region) or is_within(account, case.transfer_to or "-")):
            raise NoSuchCase  # it went elsewhere while we waited for it
        if seen is not None and seen != case.state:
            raise Stale
        if deed not in self.allowed(account, case):
            raise Stale if deed == "claim" and case.assignee_id is not None else NotAllowed
        self._deeds[deed](session, account, case, typed)
        session.flush()
        return case

    def allowed(self, account: Account, case: Case) -> set[str]:
        """What an account that can see a case may do with it as it stands."""
        if not is_within(account, case.region):  # it sees the case because it is to take it over
            takes = case.state in OPEN and may(account, Right.SUPERVISE) and is_within(account, case.transfer_to or "-")
            return {"take_over", "turn_down"} if takes else set()
        if case.state not in OPEN:
            return {"reopen", "note"} if account.role in ("town", "county") and case.state in REOPENED_AT else {"note"}
        deeds = {"phoned", "visited", "note", "recuse"}
        deeds.add("claim" if case.assignee_id is None else "release" if case.assignee_id == account.id else "note")
        if account.role != "grid":
            deeds |= {"relief", "withdraw", "refer"}
        if case.reach > 6:
            deeds.add("up")
        deeds |= self._of_step(account, case)
        if self._decides_on_time(account, case):
            deeds |= {"grant", "deny"}
        if case.transfer_to is None and may(account, Right.SUPERVISE):
            deeds.add("transfer")
        if case.transfer_to is not None and may(account, Right.SUPERVISE) and is_within(account, case.transfer_to):
            deeds |= {"take_over", "turn_down"}
        return deeds

    def step(self, case: Case) -> Step | None:
        """The step that a case is in."""
        return self._cases.plan.step(case.state)

    def _of_step(self, account: Account, case: Case) -> set[str]:
        step = self.step(case)
        if step is None or account.role not in step.roles:
            return set()
        if case.paused_at is not None:
            return {"resume"}
        deeds = {"pause"}
        if case.extension_days is None and case.due_at is not None and clock.now() < case.due_at:
            deeds.add("ask_more")
        if case.transfer_to is None:
            deeds |= {"advance", "send_back"} if self._cases.plan.before(case.state) else {"advance"}
        return deeds

    def _decides_on_time(self, account: Account, case: Case) -> bool:
        """Whether an account may decide on more time: a level above the step's, or the county; never who asked."""
        step = self.step(case)
        if step is None or case.extension_days is None or case.paused_at is not None or case.extension_by == account.id:
            return False
        return may(account, Right.SUPERVISE) and (len(account.region) < step.level or len(account.region) == COUNTY)

    # --- the steps ---------------------------------------------------------------------------------------------

    def _advance(self, session: Session, account: Account, case: Case, typed: Mapping[str, str]) -> None:
        step = self.step(case)
        assert step is not None
        answers = answers_of(step.fields, typed, clock.today())
        _check_days(step.fields, answers, case)
        to = step.after(answers)
        if case.state == "reported":
            case.accepted_at, case.accepted_by = clock.now(), account.id
        if "official_number" in answers:
            case.official_number = answers["official_number"]
        happened = _end_of(answers["visited_on"]) if "visited_on" in answers else None
        self._cases.move(session, case, account.id, "advance", to, happened_at=happened, body=answers or None)

    def _send_back(self, session: Session, account: Account, case: Case, typed: Mapping[str, str]) -> None:
        earlier = {step.state: step.title for step in self._cases.plan.before(case.state)}
        to = Field("to", "退回到哪一步", "choice", options=tuple(earlier.items()))
        answers = answers_of((to, REASON), typed, clock.today())
        self._cases.move(session, case, account.id, "send_back", answers["to"], body={"reason": answers["reason"]})

    def _pause(self, session: Session, account: Account, case: Case, typed: Mapping[str, str]) -> None:
        reasons = tuple((reason, reason) for reason in self._cases.plan.pauses)
        why = str(typed.get("why", ""))
        if why not in dict(reasons):  # a reason may be longer than a choice's name
            raise BadForm({"why": "请选一个暂停的原因"})
        case.paused_at, case.pause_reason = clock.now(), why[:40]
        self._cases.note(session, case, account.id, "pause", body={"reason": why})

    def _resume(self, session: Session, account: Account, case: Case, typed: Mapping[str, str]) -> None:
        assert case.paused_at is not None
        stood = clock.now() - case.paused_at
        case.cap_at += stood
        case.due_at = case.due_at + stood if case.due_at else None
        case.next_warning_at = case.next_warning_at + stood if case.next_warning_at else None
        case.paused_at, case.pause_reason = None, ""
        self._cases.note(session, case, account.id, "resume")

    def _withdraw(self, session: Session, account: Account, case: Case, typed: Mapping[str, str]) -> None:
        self._cases.move(session, case, account.id, "withdraw", "withdrawn", body=answers_of((REASON,), typed, clock.today()))

    def _reopen(self, session: Session, account: Account, case: Case, typed: Mapping[str, str]) -> None:
        """An objection is heard by the township, with a new cap: the old one ended with the decision."""
        answers = answers_of((REASON,), typed, clock.today())
        case.cap_at = self._cases.plan.cap_from(clock.now()).at
        self._cases.move(session, case, account.id, "reopen", REOPENED_AT[case.state], body=answers)

    # --- more time ---------------------------------------------------------------------------------------------

    def _ask_more(self, session: Session, account: Account, case: Case, typed: Mapping[str, str]) -> None:
        """Only before the deadline: afterwards it is late, whatever anybody grants."""
        answers = answers_of((MORE_DAYS, REASON), typed, clock.today())
        case.extension_days, case.extension_by = int(answers["days"]), account.id
        self._cases.note(session, case, account.id, "ask_more", body=answers)

    def _grant(self, session: Session, account: Account, case: Case, typed: Mapping[str, str]) -> None:
        assert case.extension_days is not None
        assert case.due_at is not None
        more = timedelta(days=case.extension_days)
        case.due_at, case.cap_at, case.warnings = case.due_at + more, case.cap_at + more, 0
        case.next_warning_at = max(clock.now(), case.due_at - self._cases.plan.remind)
        self._cases.note(session, case, account.id, "grant", body={"days": str(case.extension_days)})
        case.extension_days = case.extension_by = None

    def _deny(self, session: Session, account: Account, case: Case, typed: Mapping[str, str]) -> None:
        self._cases.note(session, case, account.id, "deny", body=answers_of((REASON,), typed, clock.today()))
        case.extension_days = case.extension_by = None

    # --- beside the steps --------------------------------------------------------------------------------------

    def _phoned(self, session: Session, account: Account, case: Case, typed: Mapping[str, str]) -> None:
        self._cases.note(session, case, account.id, "phoned", body=answers_of((REMARK,), typed, clock.today()))

    def _visited(self, session: Session, account: Account, case: Case, typed: Mapping[str, str]) -> None:
        answers = answers_of((REMARK,), typed, clock.today())
        happened = _moment(str(typed.get("happened_at", "")), case)
        self._cases.note(session, case, account.id, "visited", happened_at=happened, body=answers)

    def _relief(self, session: Session, account: Account, case: Case, typed: Mapping[str, str]) -> None:
        self._cases.note(session, case, account.id, "relief", body=answers_of(RELIEF, typed, clock.today()))

    def _up(self, session: Session, account: Account, case: Case, typed: Mapping[str, str]) -> None:
        """«要镇里管»: the next level sees it as its own from now on."""
        answers = answers_of((REASON,), typed, clock.today())
        case.reach = _above(case.reach)
        self._cases.note(session, case, account.id, "up", body=answers)

    def _refer(self, session: Session, account: Account, case: Case, typed: Mapping[str, str]) -> None:
        fields = (Field("unit", "哪个部门", "choice", options=tuple(UNITS.items())), Field("question", "要他们做什么", "long"))
        answers = answers_of(fields, typed, clock.today())
        self._referrals.ask(session, account, case, answers["unit"], answers["question"], REFERRAL_LIMIT)
        self._cases.note(session, case, account.id, "refer", body=answers)

    def _note(self, session: Session, account: Account, case: Case, typed: Mapping[str, str]) -> None:
        self._cases.note(session, case, account.id, "note", body=answers_of((REMARK,), typed, clock.today()))

    def _recuse(self, session: Session, account: Account, case: Case, typed: Mapping[str, str]) -> None:
        """Kin of the household: from now on the case does not exist for them, and somebody else must look."""
        session.merge(Recusal(account_id=account.id, case_id=case.id))
        if case.assignee_id == account.id:
            case.assignee_id = None
        if case.reach > 6:
            case.reach = _above(case.reach)
        self._cases.note(session, case, account.id, "recuse")

    # --- between places and people ------------------------------------------------------------------------------

    def _transfer(self, session: Session, account: Account, case: Case, typed: Mapping[str, str]) -> None:
        answers = answers_of((Field("to", "转到哪个村", "text"), REASON), typed, clock.today())
        place = self._regions.get(answers["to"])
        if place is None or place.level != "village" or place.code == case.region or place.code[:6] != case.region[:6]:
            raise BadForm({"to": "请选本县另一个村（社区）"})
        case.transfer_to = place.code
        self._cases.note(session, case, account.id, "transfer", body=answers)

    def _take_over(self, session: Session, account: Account, case: Case, typed: Mapping[str, str]) -> None:
        assert case.transfer_to is not None
        was, case.region, case.transfer_to, case.assignee_id = case.region, case.transfer_to, None, None
        paused, reason = case.paused_at, case.pause_reason
        self._cases.move(session, case, account.id, "take_over", case.state, body={"from": was})
        case.paused_at, case.pause_reason = paused, reason

    def _turn_down(self, session: Session, account: Account, case: Case, typed: Mapping[str, str]) -> None:
        answers = answers_of((REASON,), typed, clock.today())
        self._cases.note(session, case, account.id, "turn_down", body={**answers, "to": case.transfer_to or ""})
        case.transfer_to = None

    def _claim(self, session: Session, account: Account, case: Case, typed: Mapping[str, str]) -> None:
        mine = update(Case).where(Case.id == case.id, Case.assignee_id.is_(None)).values(assignee_id=account.id)
        if not session.execute(mine.execution_options(synchronize_session="fetch")).rowcount:  # type: ignore[attr-defined]
            raise Stale
        self._cases.note(session, case, account.id, "claim")

    def _release(self, session: Session, account: Account, case: Case, typed: Mapping[str, str]) -> None:
        case.assignee_id = None
        self._cases.note(session, case, account.id, "release")


def _above(reach: int) -> int:
    return 9 if reach > 9 else 6


def _check_days(fields: tuple[Field, ...], answers: Mapping[str, str], case: Case) -> None:
    """Nothing of a step happened before the report: no visit, meeting or public notice. Raises BadForm."""
    reported = case.created_at.astimezone(clock.CHINA).date()
    days = {field.name: field.label for field in fields if field.type == "date" and field.name in answers}
    early = {name: label for name, label in days.items() if date.fromisoformat(answers[name]) < reported}
    if early:
        raise BadForm({name: f"“{label}”比上报的日子还早" for name, label in early.items()})


def _end_of(day: str) -> datetime:
    """A visit of a day counts until the day's end."""
    end = datetime.combine(date.fromisoformat(day) + timedelta(days=1), time(), clock.CHINA) - timedelta(seconds=1)
    return min(end, clock.now())


def _moment(typed: str, case: Case) -> datetime:
    """When a visit was, as a form or a phone says it; now if it does not. Raises BadForm."""
    if not typed:
        return clock.now()
    try:
        moment = datetime.fromisoformat(typed)
    except ValueError:
        raise BadForm({"happened_at": "要填时间，像2026-11-24 10:30"}) from None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=clock.CHINA)
    if not case.created_at - timedelta(minutes=5) <= moment <= clock.now() + timedelta(minutes=5):
        raise BadForm({"happened_at": "时间要在上报以后，不能是以后的时间"})
    return min(moment, clock.now())
