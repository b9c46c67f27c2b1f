"""Sending: each recipient once, by day, within the budget, not after a refusal, and each ends in one true state."""

from __future__ import annotations

import atexit
import shutil
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import func, select

from core.crypto import Vault
from core.database import Database
from core.delivery import Outcome, Result, State
from core.outbox import OutboxRow
from outreach.broadcast_tables import BroadcastRow, DeliveryRow, Fate
from outreach.rules import Status, is_open
from outreach.sending import OVER_BUDGET
from outreach.tables import ContactRow
from tests.outreach.sender import NOON, SENT, Clock, Country, number


@pytest.fixture
def country(database: Database, vault: Vault) -> Country:
    """A county on each kind of database; few texts at a time in the outbox."""
    return Country(database, vault, Clock(), backlog=5)


def fates(country: Country) -> dict[str, int]:
    """How many recipients are where."""
    with country.database.read() as session:
        rows = session.execute(select(DeliveryRow.fate, func.count()).group_by(DeliveryRow.fate))
        return {row[0]: row[1] for row in rows}


def test_everybody_gets_one_text_and_reports_arrive(country: Country) -> None:
    """Sent, then delivered or failed by the carrier's word; the list knows who was reached and when; money is counted."""
    made = country.started(*country.settle_in(12))
    country.send_all()
    assert country.called == {number(at): 1 for at in range(12)}
    assert (fates(country), country.row(made).status, country.row(made).spent) == ({Fate.SENT: 12}, Status.DONE, 12 * 45)
    letters = country.outbox.letters([State.SENT])
    for at, letter in enumerate(letters):
        country.outbox.report(letter.id, State.DELIVERED if at else State.FAILED, reason="" if at else "30005")
    country.sending.round()
    assert fates(country) == {Fate.DELIVERED: 11, Fate.FAILED: 1}
    with country.database.read() as session:
        assert session.scalar(select(func.count()).where(ContactRow.reached_day > 0)) == 11
        assert session.scalar(select(func.count()).where(ContactRow.messaged_day > 0)) == 12


def test_retry_failed_only(country: Country) -> None:
    """Those that failed get one more try; nobody else is called again."""
    author, signer = country.settle_in(6)
    made = country.started(author, signer)
    bad = {number(1), number(4)}
    country.send_all(lambda message: Outcome(Result.FAILED, "busy") if message.to in bad else SENT)
    assert fates(country) == {Fate.SENT: 4, Fate.FAILED: 2}
    with country.database.begin() as session:
        assert country.broadcasts.retry_failed(session, made, author) == 2
    country.send_all()
    assert fates(country) == {Fate.SENT: 6}
    assert {to for to, times in country.called.items() if times == 2} == bad


def test_night_stops_and_morning_goes_on(country: Country) -> None:
    """What waits in the outbox at 21:00 is not sent at night, and is sent once the next morning."""
    country.started(*country.settle_in(12))
    country.time.now = NOON.replace(hour=20, minute=59)
    country.sending.round()
    country.deliver(2)
    country.time.now = NOON.replace(hour=21)
    for _ in range(5):
        country.sending.round()
        country.deliver()
        country.time.now += timedelta(hours=2)
    assert sum(country.called.values()) == 2
    country.time.now = NOON.replace(hour=8) + timedelta(days=1)
    country.send_all()
    assert country.called == {number(at): 1 for at in range(12)}
    assert fates(country) == {Fate.SENT: 12}
    assert all(is_open(when) for when in country.when)


def test_pause_resume_stop(country: Country) -> None:
    """A pause holds what waits in the outbox too; resumed, it goes on; stopped, the rest is never sent and costs nothing."""
    author, signer = country.settle_in(12)
    made = country.started(author, signer)
    country.sending.round()
    country.deliver(2)
    country.broadcasts.pause(made, author)
    country.sending.round()
    assert country.deliver() == 0
    country.broadcasts.resume(made, author)
    assert country.deliver(1) == 1
    country.broadcasts.stop(made, author)
    country.send_all()
    assert sum(country.called.values()) == 3
    assert fates(country) == {Fate.SENT: 3, Fate.CANCELLED: 9}
    assert (country.row(made).status, country.row(made).spent) == (Status.STOPPED, 3 * 45)


def test_an_order_that_a_crash_cut_off_is_carried_out(country: Country) -> None:
    """Paused in the row, not yet in the outbox: the next round tells it."""
    author, signer = country.settle_in(12)
    made = country.started(author, signer)
    country.sending.round()
    with country.database.begin() as session:
        row = session.get_one(BroadcastRow, made)
        row.status, row.outbox_order = Status.PAUSED, "hold"
    country.sending.round()
    assert country.deliver() == 0
    assert country.row(made).outbox_order == ""


def test_the_budget_pauses(country: Country) -> None:
    """What was signed for is not exceeded."""
    author, signer = country.settle_in(12)
    made = country.started(author, signer)
    with country.database.begin() as session:
        session.get_one(BroadcastRow, made).budget = 45 * 7 + 44
    country.send_all()
    row = country.row(made)
    assert (sum(country.called.values()), row.status, row.reason, row.spent) == (7, Status.PAUSED, OVER_BUDGET, 45 * 7)


def test_a_refusal_after_the_freeze(country: Country) -> None:
    """Waiting for the outbox or waiting in it: neither is sent."""
    country.started(*country.settle_in(12))
    country.sending.round()
    waits = in_outbox(country, 12)
    refused = [waits[0], next(at for at in range(12) if at not in waits)]
    with country.database.begin() as session:
        for at in refused:
            country.consents.said_in_conversation(session, country.outbox.recipient("sms", number(at)), wanted=False, said="T")
    country.send_all()
    assert set(country.called) == {number(at) for at in range(12) if at not in refused}
    assert fates(country) == {Fate.SENT: 10, Fate.CANCELLED: 2}


def test_a_disaster_warning_goes_out_at_night_to_all(country: Country) -> None:
    """Named people only; neither the hour nor a refusal keeps it."""
    author, signer = country.settle_in(4)
    author.named = signer.named = True
    with country.database.begin() as session:
        session.merge(author)
        session.merge(signer)
        country.consents.said_in_conversation(session, country.outbox.recipient("sms", number(1)), wanted=False, said="T")
    country.time.now = NOON.replace(hour=23)
    country.started(author, signer, mandatory=True)
    country.send_all()
    assert country.called == {number(at): 1 for at in range(4)}


def test_one_process_at_a_time(country: Country) -> None:
    """A second sender does nothing while the first is alive, and takes over when it is gone."""
    country.started(*country.settle_in(4))
    other = Country(country.database, country.vault, country.time)
    assert country.sending.round() == 4
    assert other.sending.round() == -1
    country.time.now += timedelta(minutes=1)
    assert other.sending.round() >= 0


def in_outbox(country: Country, people: int) -> list[int]:
    """Whose text waits in the outbox."""
    with country.database.read() as session:
        waits = set(session.scalars(select(OutboxRow.recipient).where(OutboxRow.state == State.QUEUED)))
    return [at for at in range(people) if country.outbox.recipient("sms", number(at)) in waits]


@cache
def _template() -> Path:
    """A migrated, empty database to copy: migrations take most of the time."""
    directory = Path(mkdtemp())
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    database = Database(f"sqlite:///{directory / 'template.db'}")
    database.upgrade()
    database.close()
    return directory / "template.db"


class Life(RuleBasedStateMachine):
    """Anything may happen in any order; what may never happen is watched."""

    @initialize(people=st.integers(1, 14), backlog=st.integers(1, 6), hour=st.integers(6, 20))
    def begin(self, people: int, backlog: int, hour: int) -> None:
        """A broadcast is under way."""
        self.directory = TemporaryDirectory()
        file = Path(self.directory.name) / "x.db"
        shutil.copy(_template(), file)
        self.database = Database(f"sqlite:///{file}")
        self.time = Clock(NOON.replace(hour=hour))
        self.country = Country(self.database, Vault(bytes(32)), self.time, backlog=backlog)
        self.people = people
        self.author, signer = self.country.settle_in(people)
        self.made = self.country.started(self.author, signer)
        self.out: set[str] = set()
        self.may_fail_again: set[str] = set()
        self.paused = self.stopped = False

    @rule()
    def feed(self) -> None:
        """The sending goes round."""
        self.country.sending.round()

    @rule(
        most=st.integers(1, 8),
        result=st.sampled_from([Result.SENT, Result.DELIVERED, Result.FAILED, Result.UNKNOWN, Result.WAIT]),
    )
    def carry(self, most: int, result: Result) -> None:
        """A carrier takes some, or not; nobody who refused, nobody at night, nothing in a pause."""
        before = self.country.called.copy()

        def carrier(message):
            assert message.to not in self.out
            assert is_open(self.time())
            assert not self.paused
            assert not self.stopped
            return Outcome(result, after=timedelta(seconds=1))

        self.country.deliver(most, carrier)
        for to in self.country.called - before:
            if result == Result.WAIT:
                self.country.called[to] -= 1  # certainly not taken
            if result == Result.FAILED:
                self.may_fail_again.add(to)

    @rule(minutes=st.sampled_from([1, 30, 60, 60 * 12]))
    def wait(self, minutes: int) -> None:
        """Time goes by."""
        self.time.now += timedelta(minutes=minutes)

    @rule(at=st.integers(0, 13))
    def refuse(self, at: int) -> None:
        """Somebody opts out."""
        at %= self.people
        with self.database.begin() as session:
            key = self.country.outbox.recipient("sms", number(at))
            self.country.consents.said_in_conversation(session, key, wanted=False, said="退订")
        self.out.add(number(at))

    @rule()
    def refuse_what_waits(self) -> None:
        """Somebody opts out whose text is in the outbox."""
        self.feed()
        for at in in_outbox(self.country, self.people)[:1]:
            self.refuse(at)
        self.carry(most=8, result=Result.SENT)

    @precondition(lambda self: self.country.row(self.made).status == Status.SENDING)
    @rule()
    def pause(self) -> None:
        """Somebody pauses."""
        self.country.broadcasts.pause(self.made, self.author)
        self.paused = True

    @precondition(lambda self: self.paused and not self.stopped)
    @rule()
    def resume(self) -> None:
        """Somebody goes on."""
        self.country.broadcasts.resume(self.made, self.author)
        self.paused = False

    @precondition(lambda self: self.country.row(self.made).status in (Status.SENDING, Status.PAUSED))
    @rule()
    def stop(self) -> None:
        """Somebody stops it."""
        self.country.broadcasts.stop(self.made, self.author)
        self.stopped = True

    @precondition(lambda self: self.country.row(self.made).status == Status.DONE)
    @rule()
    def retry(self) -> None:
        """Those that failed once more."""
        with self.database.begin() as session:
            self.country.broadcasts.retry_failed(session, self.made, self.author)

    @invariant()
    def nobody_twice_and_nothing_too_dear(self) -> None:
        """One text a number unless it failed and was tried again; the money counted is never more than the budget."""
        if not hasattr(self, "country"):
            return
        for to, times in self.country.called.items():
            assert times <= (3 if to in self.may_fail_again else 1)
        row = self.country.row(self.made)
        assert 0 <= row.spent <= row.budget
        assert sum(fates(self.country).values()) == self.people

    def teardown(self) -> None:
        """At the end, after a night and a morning, everybody is in a last state (a pause keeps those who wait)."""
        if not hasattr(self, "country"):
            return
        if self.paused and not self.stopped:
            self.resume()
        self.time.now = (self.time.now + timedelta(days=1)).replace(hour=9)
        self.country.send_all()
        left = fates(self.country)
        assert not {Fate.WAITING, Fate.QUEUED} & set(left)
        assert sum(left.values()) == self.people
        self.database.close()
        self.directory.cleanup()


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)
