"""A case: one household's trouble, with the messages that belong to it, in the queue of its village."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKey, LargeBinary, Select, String, func, select, true
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock
from core.accounts import Account
from core.crypto import Vault
from core.database import Base
from core.errors import MingbaiError
from core.rights import within

STATES = {"reported": "已上报，待受理", "accepted": "已受理", "closed": "已办结", "withdrawn": "已撤回"}
OPEN = ("reported", "accepted")
VIOLENCE = "violence"  # the danger whose cases only named people see
_FIRST_NUMBER = 10_000
_LONGEST_NUMBER = 10  # digits: what is longer is no id that a database can look up


class NoSuchCase(MingbaiError):
    """没有这个编号，或者不在您的辖区。"""


class Case(Base):
    """``region`` is the village's code, or the county's where the village is not known (the county's fallback queue)."""

    __tablename__ = "cases"
    id: Mapped[int] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(String(12), index=True)
    urgency: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(12), index=True)
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


@dataclass(frozen=True)
class Said:
    """One message of a case in clear."""

    who: str
    text: str
    at: datetime


class Cases:
    """The queue. Every method works inside the caller's transaction."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

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
    ) -> Case:
        """A new case with the messages that made it. ``danger`` names a threat to life and makes it urgent."""
        case = Case(
            region=region,
            urgency="urgent" if danger else "routine",
            danger=danger,
            state="reported",
            conversation=conversation,
            details=self._vault.seal_json(vars(details)),
            contact_hash=self._hash(details.contact),
            proxy=bool(details.whom),
            notice=notice,
            created_at=clock.now(),
            updated_at=clock.now(),
        )
        session.add(case)
        session.flush()
        self.add_messages(session, case, said)
        return case

    def add_messages(self, session: Session, case: Case, said: list[tuple[str, str]]) -> None:
        case.updated_at = clock.now()
        for who, text in said:
            session.add(CaseMessage(case_id=case.id, who=who, body=self._vault.seal(text), at=clock.now()))

    def details(self, case: Case) -> Details:
        return Details(**self._vault.unseal_json(case.details))

    def change_details(self, case: Case, **changed: str) -> None:
        details = Details(**{**vars(self.details(case)), **changed})
        case.details = self._vault.seal_json(vars(details))
        case.contact_hash = self._hash(details.contact)
        case.updated_at = clock.now()

    def _hash(self, contact: str) -> str | None:
        return self._vault.lookup(f"phone:{contact}") if contact else None

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
        case.state, case.updated_at = "withdrawn", clock.now()
        return True

    def by_number(self, session: Session, number: str) -> Case | None:
        """Any case by its number: for a villager who must still prove that it is theirs."""
        case_id = id_of(number)
        return session.get(Case, case_id) if case_id else None

    def queue(self, session: Session, account: Account) -> list[Case]:
        """The cases of an account's jurisdiction: urgent first, open before closed, newest first."""
        return list(
            session.scalars(_visible(account).order_by(Case.state.not_in(OPEN), Case.urgency != "urgent", Case.created_at.desc()))
        )

    def visible(self, session: Session, account: Account, number: str) -> Case:
        """One case by the number that people say. Raises NoSuchCase, for other jurisdictions too."""
        case_id = id_of(number)
        case = session.scalars(_visible(account).where(Case.id == case_id)).first() if case_id else None
        if case is None:
            raise NoSuchCase
        return case

    def messages(self, session: Session, case: Case) -> list[Said]:
        rows = session.scalars(select(CaseMessage).where(CaseMessage.case_id == case.id).order_by(CaseMessage.id))
        return [Said(row.who, self._vault.unseal(row.body), row.at) for row in rows]

    def accept(self, session: Session, case: Case, account: Account) -> bool:
        """受理. False when somebody did before."""
        session.flush()
        session.refresh(case, with_for_update=True)  # two cadres may have looked in the same moment
        if case.state != "reported":
            return False
        case.state, case.accepted_at, case.accepted_by = "accepted", clock.now(), account.id
        case.updated_at = clock.now()
        return True

    def counts(self, session: Session, account: Account) -> dict[str, int]:
        """How many cases wait, by urgency."""
        visible = _visible(account).where(Case.state == "reported").subquery()
        rows = session.execute(select(visible.c.urgency, func.count()).group_by(visible.c.urgency))
        return {urgency: int(count) for urgency, count in rows}


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


def _visible(account: Account) -> Select[Case]:
    return select(Case).where(within(account, Case.region), open_to(account))


def open_to(account: Account) -> ColumnElement[bool]:
    """The condition that a case is no case of violence, or the account one of those named to see them."""
    return true() if account.named else Case.danger.is_distinct_from(VIOLENCE)
