"""The alert of an urgent case: it climbs until a person says «I have seen it».

The two lowest levels that have a person are called at once, the next one after each step without an acknowledgement,
then the county's duty phone. Each time the villager is told to ring the emergency numbers again: nobody is told that
help is coming before somebody acknowledged. A source that starts too many is still served: its alerts stand on the
desk and climb, but call nobody out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, String, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from cadres.case import OPEN, Case, open_to
from cadres.ladder import Word, asked, ladder, next_above, people_of
from core import clock
from core.accounts import Account
from core.county import duty_phone
from core.database import Base

AT_ONCE = 2  # levels
DUTY = "duty"  # the reach behind the county: its duty phone
DUTY_ROUNDS = 6  # so often the duty phone is called, a step apart; the desk goes on showing the alert
SOURCE_WINDOW = timedelta(hours=1)


class Alert(Base):
    """``reach`` is the highest place called so far, or ``duty``. ``due_at``: when to call the next."""

    __tablename__ = "alerts"
    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"), index=True)
    region: Mapped[str] = mapped_column(String(12))
    reach: Mapped[str] = mapped_column(String(12))
    state: Mapped[str] = mapped_column(String(10), index=True)  # ringing | seen | moved | closed
    source: Mapped[str] = mapped_column(String(64), index=True)
    quiet: Mapped[bool]
    duty_rounds: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime]
    due_at: Mapped[datetime | None] = mapped_column(index=True)
    seen_at: Mapped[datetime | None] = mapped_column(default=None)
    seen_by: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"), default=None)


class AlertCall(Base):
    """One person who is to be told of an alert. Without an account it is the county's duty phone."""

    __tablename__ = "alert_calls"
    id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alerts.id", ondelete="CASCADE"), index=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), default=None)
    at: Mapped[datetime]
    delivered_at: Mapped[datetime | None] = mapped_column(index=True, default=None)


@dataclass(frozen=True)
class Call:
    """What may be said in a call: number, place, nothing of the trouble. It goes to an account or to the duty phone.

    ``id`` is the same when a call is tried again after a crash.
    """

    id: int
    account_id: int | None
    phone: str  # the duty phone, where there is no account; empty if the county has none
    number: str
    region: str


@dataclass(frozen=True)
class Called:
    """Who was called and when; the name is empty for the duty phone."""

    name: str
    role: str
    at: datetime


Notify = Callable[[Call], None]  # delivers a call by one way; raises core.errors.MingbaiError when it could not


class Alerts:
    """Every method works inside the caller's transaction."""

    def __init__(
        self, *, step: timedelta = timedelta(minutes=10), per_source: int = 5, now: Callable[[], datetime] = clock.now
    ) -> None:
        self._step, self._per_source, self._now = step, per_source, now

    def start(self, session: Session, case: Case, source: str) -> Alert:
        """Ring for a case, at the place it has now. One that rings for another place ends."""
        now = self._now()
        session.execute(
            update(Alert).where(Alert.case_id == case.id, Alert.state == "ringing").values(state="moved", due_at=None)
        )
        levels = ladder(session, case.region, named=case.is_violence)[:AT_ONCE]
        alert = Alert(
            case_id=case.id, region=case.region, reach=levels[-1] if levels else DUTY, state="ringing", source=source,
            quiet=self._too_many(session, source), started_at=now, due_at=now + self._step,
        )  # fmt: skip
        session.add(alert)
        session.flush()
        for code in levels:
            self._call(session, alert, people_of(session, code, named=case.is_violence))
        if not levels:
            self._call_duty(session, alert)
        return alert

    def repeat(self, session: Session, case: Case, source: str) -> None:
        """The sender spoke of danger again: ring anew if the last alert was acknowledged a step ago or more."""
        last = self.of_case(session, case)
        if last is None or (last.seen_at is not None and self._now() - last.seen_at >= self._step):
            self.start(session, case, source)

    def acknowledge(self, session: Session, case: Case, account: Account) -> bool:
        """A person has seen it. False when nothing rings (any more) for the case."""
        done = session.execute(
            update(Alert)
            .where(Alert.case_id == case.id, Alert.state == "ringing")
            .values(state="seen", seen_at=self._now(), seen_by=account.id, due_at=None)
        )
        return bool(done.rowcount)  # type: ignore[attr-defined]

    def of_case(self, session: Session, case: Case) -> Alert | None:
        """The newest alert of a case."""
        newest = select(Alert).where(Alert.case_id == case.id).order_by(Alert.id.desc()).limit(1)
        return session.scalars(newest.execution_options(populate_existing=True)).first()

    def ringing(self, session: Session, account: Account) -> list[tuple[Alert, Case]]:
        """The alerts that have come up to an account's level and that nobody acknowledged, oldest first."""
        rows = session.execute(
            select(Alert, Case)
            .join(Case, Case.id == Alert.case_id)
            .where(Alert.state == "ringing", asked(account, Alert.region, Alert.reach), open_to(account))
            .order_by(Alert.id)
        )
        return [(alert, case) for alert, case in rows]

    def called(self, session: Session, case: Case) -> list[Called]:
        """Who was called for a case, in order."""
        rows = session.execute(
            select(AlertCall.at, Account.name, Account.role)
            .join(Alert, Alert.id == AlertCall.alert_id)
            .outerjoin(Account, Account.id == AlertCall.account_id)
            .where(Alert.case_id == case.id)
            .order_by(AlertCall.id)
        )
        return [Called(name or "", role or "", at) for at, name, role in rows]

    def climb(self, session: Session) -> list[Word]:
        """Call the next level for every alert that is due; gives what their villagers are to be told."""
        now = self._now()
        due = (
            select(Alert, Case)
            .join(Case, Case.id == Alert.case_id)
            .where(Alert.state == "ringing", Alert.due_at <= now)
            .order_by(Alert.id)
            .with_for_update(of=Alert)
        )
        told = [self._climb(session, alert, case, now) for alert, case in session.execute(due).all()]
        return [word for word in told if word is not None]

    def to_deliver(self, session: Session) -> list[Call]:
        """Calls that no way has delivered yet and whose alert still rings."""
        rows = session.execute(
            select(AlertCall, Alert.region, Case)
            .join(Alert, Alert.id == AlertCall.alert_id)
            .join(Case, Case.id == Alert.case_id)
            .where(AlertCall.delivered_at.is_(None), Alert.state == "ringing")
            .order_by(AlertCall.id)
        )
        duty = duty_phone(session)
        return [
            Call(call.id, call.account_id, "" if call.account_id else duty, case.number, region) for call, region, case in rows
        ]

    def delivered(self, session: Session, call: Call) -> None:
        session.execute(update(AlertCall).where(AlertCall.id == call.id).values(delivered_at=self._now()))

    def _climb(self, session: Session, alert: Alert, case: Case, now: datetime) -> Word | None:
        if case.state not in OPEN:
            alert.state, alert.due_at = "closed", None
            return None
        above = None if alert.reach == DUTY else next_above(session, alert.region, alert.reach, named=case.is_violence)
        first_duty = above is None and alert.reach != DUTY
        if above is not None:
            alert.reach = above
            self._call(session, alert, people_of(session, above, named=case.is_violence))
        else:
            self._call_duty(session, alert)
        alert.due_at = None if alert.duty_rounds >= DUTY_ROUNDS else now + self._step
        if above is not None or first_duty or alert.duty_rounds == 2:
            return Word(case.conversation, "notice_urgent_again", alert.region, {"number": case.number})
        return None

    def _call(self, session: Session, alert: Alert, people: list[Account]) -> None:
        if not alert.quiet:
            session.add_all(AlertCall(alert_id=alert.id, account_id=person.id, at=self._now()) for person in people)

    def _call_duty(self, session: Session, alert: Alert) -> None:
        alert.reach, alert.duty_rounds = DUTY, alert.duty_rounds + 1
        if not alert.quiet:
            session.add(AlertCall(alert_id=alert.id, at=self._now()))

    def _too_many(self, session: Session, source: str) -> bool:
        recent = select(func.count()).where(
            Alert.source == source, Alert.started_at > self._now() - SOURCE_WINDOW, Alert.state != "moved"
        )
        return (session.scalar(recent) or 0) >= self._per_source
