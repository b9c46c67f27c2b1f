"""A case: one household's trouble, with the messages that belong to it, in the queue of its village."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    and_,
    or_,
    select,
)
from sqlalchemy import (
    text as sql,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from cadres.plan import STEPS, Plan, own_plan
from core import clock
from core.accounts import Account
from core.crypto import Vault
from core.database import Base
from core.errors import MingbaiError
from core.rights import within

STATES = {
    "reported": "已上报，待受理", "accepted": "已受理", "checking": "已入户，正在比对", "reviewing": "村里评议、公示中",
    "auditing": "乡镇审核中", "deciding": "县里审定中", "recording": "已审定，正在建档", "admitted": "已纳入",
    "refused": "没有纳入", "closed": "已办结", "withdrawn": "已撤回",
}  # fmt: skip
OPEN = STEPS
VIOLENCE = "violence"  # the danger whose cases only named people see
_FIRST_NUMBER = 10_000
_LONGEST_NUMBER = 10  # digits: what is longer is no id that a database can look up


class NoSuchCase(MingbaiError):
    """没有这个编号，或者不在您的辖区。"""


class Case(Base):
    """``region`` is the village's code, or the county's where the village is not known (the county's fallback queue).

    ``due_at`` is when the present step ends, never later than ``cap_at``, the end of the whole; ``since`` is when the step
    began. ``reach``: digits of the highest level that an overdue case has come up to; ``warnings`` counts reminder, alert and
    climbs of this step, ``next_warning_at`` is the next. ``transfer_to``: a place that has not yet taken it over.
    """

    __tablename__ = "cases"
    __table_args__ = (
        # the desk's lists and counts live on these: see cadres.inbox
        Index("ix_cases_region", "region", "id", "danger"),
        Index(
            "ix_cases_open", "region", "due_at", "urgency", "assignee_id", "paused_at", "danger", "reach", "closed_at", "id",
            sqlite_where=sql("closed_at IS NULL"), postgresql_where=sql("closed_at IS NULL"),
        ),
        Index(
            "ix_cases_assignee", "assignee_id",
            sqlite_where=sql("closed_at IS NULL AND assignee_id IS NOT NULL"),
            postgresql_where=sql("closed_at IS NULL AND assignee_id IS NOT NULL"),
        ),
        Index(
            "ix_cases_warning", "next_warning_at",
            sqlite_where=sql("next_warning_at IS NOT NULL"), postgresql_where=sql("next_warning_at IS NOT NULL"),
        ),
        Index(
            "ix_cases_transfer", "transfer_to",
            sqlite_where=sql("transfer_to IS NOT NULL"), postgresql_where=sql("transfer_to IS NOT NULL"),
        ),
        Index(
            "ix_cases_name", "name_hash",
            sqlite_where=sql("name_hash IS NOT NULL"), postgresql_where=sql("name_hash IS NOT NULL"),
        ),
    )  # fmt: skip
    id: Mapped[int] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(String(12))
    urgency: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(12))
    danger: Mapped[str | None] = mapped_column(String(20), default=None)
    conversation: Mapped[str] = mapped_column(String(64), index=True)
    details: Mapped[bytes] = mapped_column(LargeBinary)
    contact_hash: Mapped[str | None] = mapped_column(String(64), index=True, default=None)
    proxy: Mapped[bool] = mapped_column(default=False)  # somebody else reported: they learn only that it was passed on
    notice: Mapped[str | None] = mapped_column(String(20), default=None)  # the version of the notice that was shown
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None] = mapped_column(default=None)
    accepted_by: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"), default=None)
    origin: Mapped[str] = mapped_column(String(10), default="self")  # how it came in: core of cadres.intake
    outside_number: Mapped[str] = mapped_column(String(40), default="")  # of a hotline's slip
    official_number: Mapped[str] = mapped_column(String(60), default="")  # of the household in the national system
    name_hash: Mapped[str | None] = mapped_column(String(64), default=None)
    since: Mapped[datetime]
    due_at: Mapped[datetime | None] = mapped_column(default=None)
    cap_at: Mapped[datetime]
    provisional: Mapped[bool] = mapped_column(default=False)
    paused_at: Mapped[datetime | None] = mapped_column(default=None)
    pause_reason: Mapped[str] = mapped_column(String(40), default="")
    closed_at: Mapped[datetime | None] = mapped_column(default=None)
    assignee_id: Mapped[int | None] = mapped_column(default=None)  # an account's id
    reach: Mapped[int] = mapped_column(SmallInteger, default=12)
    warnings: Mapped[int] = mapped_column(SmallInteger, default=0)
    next_warning_at: Mapped[datetime | None] = mapped_column(default=None)
    transfer_to: Mapped[str | None] = mapped_column(String(12), default=None)
    extension_days: Mapped[int | None] = mapped_column(SmallInteger, default=None)  # asked for and not yet decided
    extension_by: Mapped[int | None] = mapped_column(default=None)  # who asked, an account's id

    @property
    def number(self) -> str:
        return number_of(self.id)

    @property
    def is_violence(self) -> bool:
        """Whether only named people may see it."""
        return self.danger == VIOLENCE


class CaseMessage(Base):
    """A message that belongs to a case: the report, or words of danger. Other questions never get here."""

    __tablename__ = "case_messages"
    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"), index=True)
    who: Mapped[str] = mapped_column(String(10))  # villager | bot | cadre
    body: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime]


class CaseEvent(Base):
    """What was done with a case. ``happened_at`` is earlier than ``at`` for what was entered afterwards: a visit counts by it."""

    __tablename__ = "case_events"
    __table_args__ = (Index("ix_case_events_case_id", "case_id", "id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    happened_at: Mapped[datetime]
    actor: Mapped[int | None]  # an account's id; None: the villager or the system
    kind: Mapped[str] = mapped_column(String(20))
    before: Mapped[str] = mapped_column(String(12))  # the state
    after: Mapped[str] = mapped_column(String(12))
    late: Mapped[bool] = mapped_column(default=False)  # a step that ended after its deadline
    body: Mapped[bytes | None] = mapped_column(LargeBinary, default=None)


class Recusal(Base):
    """A cadre who is kin of a household: its case does not exist for them."""

    __tablename__ = "case_recusals"
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True)


@dataclass(frozen=True)
class Details:
    """What is known of the trouble, as told. All of it is encrypted at rest."""

    event: str
    place: str = ""
    contact: str = ""
    whom: str = ""  # for whom somebody else reported
    relation: str = ""  # and what they are to them
    household: str = ""
    ill: str = ""
    income: str = ""
    helped: str = ""
    name: str = ""  # of the household's head, where a cadre typed the case in


@dataclass(frozen=True)
class Said:
    """One message of a case in clear."""

    who: str
    text: str
    at: datetime


class Cases:
    """The queue. Every method works inside the caller's transaction."""

    def __init__(self, vault: Vault, plan: Plan | None = None) -> None:
        self._vault = vault
        self.plan = plan or own_plan()

    def open(
        self,
        session: Session,
        conversation: str,
        region: str,
        details: Details,
        said: list[tuple[str, str]],
        *,
        danger: str | None = None,
        notice: str | None = None,
        origin: str = "self",
        outside_number: str = "",
    ) -> Case:
        """A new case with the messages that made it. ``danger`` names a threat to life and makes it urgent."""
        now = clock.now()
        case = Case(
            region=region,
            urgency="urgent" if danger else "routine",
            danger=danger,
            state="reported",
            conversation=conversation,
            details=self._vault.seal_json(vars(details)),
            contact_hash=self._hash(details.contact),
            name_hash=self._name_hash(details),
            proxy=bool(details.whom),
            notice=notice,
            origin=origin,
            outside_number=outside_number,
            created_at=now,
            updated_at=now,
            cap_at=self.plan.cap_from(now).at,
        )
        self._enter(case, "reported", now)
        session.add(case)
        session.flush()
        self.add_messages(session, case, said)
        return case

    def add_messages(self, session: Session, case: Case, said: list[tuple[str, str]]) -> None:
        case.updated_at = clock.now()
        for who, text in said:
            session.add(CaseMessage(case_id=case.id, who=who, body=self._vault.seal(text), at=clock.now()))

    def details(self, case: Case) -> Details:
        return self.details_of(case.details)

    def details_of(self, sealed: bytes) -> Details:
        return Details(**self._vault.unseal_json(sealed))

    def change_details(self, case: Case, **changed: str) -> None:
        details = Details(**{**vars(self.details(case)), **changed})
        case.details = self._vault.seal_json(vars(details))
        case.contact_hash, case.name_hash = self._hash(details.contact), self._name_hash(details)
        case.updated_at = clock.now()

    def move(
        self,
        session: Session,
        case: Case,
        actor: int | None,
        kind: str,
        to: str,
        *,
        happened_at: datetime | None = None,
        body: dict[str, str] | None = None,
    ) -> CaseEvent:
        """Bring a case into another state, with the event that says so. Whether it may is the caller's business."""
        now = clock.now()
        late = case.due_at is not None and (happened_at or now) > case.due_at
        event = self.note(session, case, actor, kind, to=to, happened_at=happened_at, body=body)
        event.late = late
        self._enter(case, to, now)
        return event

    def note(
        self,
        session: Session,
        case: Case,
        actor: int | None,
        kind: str,
        *,
        to: str = "",
        happened_at: datetime | None = None,
        body: dict[str, str] | None = None,
    ) -> CaseEvent:
        """Write down what was done with a case; ``body`` is sealed."""
        now = clock.now()
        event = CaseEvent(
            case_id=case.id, at=now, happened_at=happened_at or now, actor=actor, kind=kind, before=case.state,
            after=to or case.state, body=self._vault.seal_json(body) if body else None,
        )  # fmt: skip
        session.add(event)
        case.updated_at = now
        return event

    def history(self, session: Session, case: Case) -> list[tuple[CaseEvent, dict[str, str]]]:
        """What was done with a case, oldest first, with what was written."""
        rows = session.scalars(select(CaseEvent).where(CaseEvent.case_id == case.id).order_by(CaseEvent.id))
        return [(row, self.written(row)) for row in rows]

    def written(self, event: CaseEvent) -> dict[str, str]:
        """What was written with an event."""
        return dict(self._vault.unseal_json(event.body)) if event.body else {}

    def _enter(self, case: Case, state: str, now: datetime) -> None:
        """The clocks of a new state. The step's limit ends with the cap at the latest; the cap itself never moves here."""
        case.state, case.since, case.warnings = state, now, 0
        case.extension_days = case.extension_by = None  # what was asked for was for the step before
        step, due = self.plan.step(state), self.plan.due(state, now)
        if step is None or due is None:
            case.closed_at, case.due_at, case.next_warning_at, case.paused_at, case.transfer_to = now, None, None, None, None
            return
        case.closed_at, case.due_at = None, min(due.at, case.cap_at)
        case.provisional = due.provisional and case.due_at == due.at
        case.reach = min(step.level, len(case.region))
        case.next_warning_at = max(now, case.due_at - self.plan.remind)

    def _name_hash(self, details: Details) -> str | None:
        name = details.name or details.whom
        return self.name_key(name) if name else None

    def name_key(self, name: str) -> str:
        """What a household's name is found by."""
        return self._vault.lookup(f"name:{name}")

    def phone_key(self, phone: str) -> str:
        """What a phone number (E.164) is found by."""
        return self._vault.lookup(f"phone:{phone}")

    def _hash(self, contact: str) -> str | None:
        return self.phone_key(contact) if contact else None

    def of_conversation(self, session: Session, conversation: str) -> list[Case]:
        """A sender's cases, newest first."""
        return list(session.scalars(select(Case).where(Case.conversation == conversation).order_by(Case.id.desc())))

    def open_urgent(self, session: Session, conversation: str) -> Case | None:
        """The sender's urgent case that is not closed yet: repeats join it."""
        return session.scalars(
            select(Case)
            .where(Case.conversation == conversation, Case.urgency == "urgent", Case.state.in_(OPEN))
            .order_by(Case.id.desc())
            .limit(1)
        ).first()

    def to_join(self, session: Session, conversation: str, region: str, whom: str) -> Case | None:
        """The sender's own open report of the same household, which a further report joins. Nobody else's is ever joined."""
        for case in self.of_conversation(session, conversation):
            if case.state in OPEN and case.urgency == "routine" and case.region == region and self.details(case).whom == whom:
                return case
        return None

    def latest_open(self, session: Session, conversation: str) -> Case | None:
        """The sender's newest report that is not closed, where there is one."""
        return next((case for case in self.of_conversation(session, conversation) if case.state in OPEN), None)

    def withdraw(self, session: Session, case: Case) -> bool:
        """Taken back by who reported it. False when it is closed, or urgent: there a person has to look first."""
        session.flush()
        session.refresh(case, with_for_update=True)
        if case.state not in OPEN or case.urgency == "urgent":
            return False
        self.move(session, case, None, "withdraw", "withdrawn")
        return True

    def by_number(self, session: Session, number: str) -> Case | None:
        """Any case by its number: for a villager who must still prove that it is theirs."""
        case_id = id_of(number)
        return session.get(Case, case_id) if case_id else None

    def visible(self, session: Session, account: Account, number: str) -> Case:
        """One case by the number that people say. Raises NoSuchCase, for other jurisdictions too."""
        case_id = id_of(number)
        mine = or_(within(account, Case.region), within(account, Case.transfer_to))
        one = select(Case).where(Case.id == case_id, mine, open_to(account)) if case_id else None
        case = session.scalars(one).first() if one is not None else None
        if case is None:
            raise NoSuchCase
        return case

    def messages(self, session: Session, case: Case) -> list[Said]:
        rows = session.scalars(select(CaseMessage).where(CaseMessage.case_id == case.id).order_by(CaseMessage.id))
        return [Said(row.who, self._vault.unseal(row.body), row.at) for row in rows]


def number_of(case_id: int) -> str:
    """The number people say on the phone: a counter and a check digit (Luhn)."""
    base = str(_FIRST_NUMBER + case_id)
    return base + str(_check_digit(base))


def id_of(number: str) -> int | None:
    """The case's id, or None where the number was misheard or is none."""
    digits = number.strip()
    if not digits.isascii() or not digits.isdigit() or not 6 <= len(digits) <= _LONGEST_NUMBER:
        return None
    if _check_digit(digits[:-1]) != int(digits[-1]):
        return None
    return int(digits[:-1]) - _FIRST_NUMBER


def _check_digit(digits: str) -> int:
    doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits))]
    return -sum(value // 10 + value % 10 for value in doubled) % 10


def open_to(account: Account) -> ColumnElement[bool]:
    """The condition that a case is no kin's of an account, and no case of violence unless the account is named to see them."""
    kin = Case.id.not_in(select(Recusal.case_id).where(Recusal.account_id == account.id))
    return kin if account.named else and_(kin, or_(Case.danger.is_(None), Case.danger != VIOLENCE))
