"""The outbox: idempotent, in order, never the same message twice, and every message in exactly one true state."""

from __future__ import annotations

import shutil
import tempfile
import tracemalloc
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import select, text

from core import clock
from core.crypto import Vault
from core.database import Database
from core.delivery import MAY_FOLLOW, TRIES, Outcome, Priority, Result, State
from core.outbox import LEASE, Claimed, Outbox, OutboxRow, Outgoing, new_ids

MINUTE = timedelta(minutes=1)
SENT = Outcome(Result.SENT, provider_id="SM1", parts=2)


class Clock:
    """A clock that stands until it is told to go on."""

    def __init__(self) -> None:
        self.now = clock.now()

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def time() -> Clock:
    """The outbox's clock."""
    return Clock()


@pytest.fixture
def outbox(database: Database, vault: Vault, time: Clock) -> Outbox:
    """An empty outbox on each kind of database."""
    return Outbox(database, vault, time)


def put(outbox: Outbox, *messages: Outgoing) -> int:
    """Enqueue in a transaction of its own."""
    with outbox._database.begin() as session:
        return outbox.enqueue(session, messages)


def sms(key: str, to: str = "+8613800000001", **other: Any) -> Outgoing:
    """A text message."""
    return Outgoing(key, "sms", to, {"text": key}, **other)


def keys(claimed: list[Claimed]) -> list[str]:
    """Which messages they are."""
    return [message.content["text"] for message in claimed]


def row(outbox: Outbox, key: str) -> OutboxRow:
    """A message as it is stored."""
    with outbox._database.read() as session:
        return session.scalars(select(OutboxRow).where(OutboxRow.key == key)).one()


def test_a_key_is_enqueued_once(outbox: Outbox) -> None:
    """The same key again, in the same call or later, is the same message."""
    assert put(outbox, sms("a"), sms("b"), sms("a")) == 2
    assert put(outbox, sms("b"), sms("c")) == 1
    assert outbox.counts() == {State.QUEUED: 3}


def test_it_belongs_to_the_callers_transaction(outbox: Outbox) -> None:
    """What is rolled back was never said."""
    with outbox._database.begin() as session:
        outbox.enqueue(session, [sms("a")])
        session.rollback()
    assert outbox.counts() == {}


def test_nothing_personal_is_stored_in_clear(outbox: Outbox) -> None:
    """Address and text are sealed; equal addresses have one key, which names nobody."""
    put(outbox, sms("一", "+8613800000001"), sms("二", "+8613800000001"), sms("三", "+8613800000002"))
    stored = [row(outbox, key) for key in ("一", "二", "三")]
    assert len({one.recipient for one in stored}) == 2
    assert all(b"138" not in one.body and "138" not in one.recipient for one in stored)
    assert "138" not in repr(outbox.claim("sms", "me", 3))


def test_a_sent_message_is_claimed_once(outbox: Outbox) -> None:
    """It is marked before the carrier is called, and is nobody else's meanwhile or afterwards."""
    put(outbox, sms("a"))
    [message] = outbox.claim("sms", "me", 10)
    assert (message.to, message.content, message.tries) == ("+8613800000001", {"text": "a"}, 1)
    assert outbox.state(message.id) == State.SENDING
    assert outbox.claim("sms", "other", 10) == []
    outbox.complete("me", [(message, SENT)])
    stored = row(outbox, "a")
    assert (stored.state, stored.provider_id, stored.parts) == ("sent", "SM1", 2)
    assert outbox.claim("sms", "other", 10) == []


def test_the_urgent_go_first(outbox: Outbox) -> None:
    """Classes first, then the order in which they came; a recipient's reply does not wait for a broadcast."""
    put(
        outbox,
        sms("bulk", priority=Priority.BULK), sms("notice"), sms("reply", priority=Priority.REPLY),
        sms("urgent", "+8613800000002", priority=Priority.URGENT),
    )  # fmt: skip
    assert keys(outbox.claim("sms", "me", 3)) == ["urgent", "reply", "notice"]
    assert keys(outbox.claim("sms", "me", 3)) == ["bulk"]


def test_a_recipients_order_is_kept(outbox: Outbox, time: Clock) -> None:
    """The second waits while the first is on its way, and while the first waits for its next try."""
    put(outbox, sms("1"), sms("2"), sms("other", "+8613800000002"))
    first = outbox.claim("sms", "me", 10)
    assert keys(first) == ["1", "other"]
    outbox.complete("me", [(first[0], Outcome(Result.RETRY, "20429"))])
    assert outbox.claim("sms", "me", 10) == []
    time.now += MINUTE
    again = outbox.claim("sms", "me", 10)
    assert keys(again) == ["1"]
    assert again[0].tries == 2
    outbox.complete("me", [(again[0], SENT)])
    assert keys(outbox.claim("sms", "me", 10)) == ["2"]


def test_a_message_is_not_sent_too_early_or_too_late(outbox: Outbox, time: Clock) -> None:
    """Before its hour it waits, after its end it is dead."""
    put(
        outbox,
        sms("later", send_after=time.now + MINUTE, expires_at=time.now + 3 * MINUTE),
        sms("x", "+861", expires_at=time.now),
    )
    assert outbox.claim("sms", "me", 10) == []
    assert (row(outbox, "x").state, row(outbox, "x").reason) == ("dead", "expired")
    time.now += 2 * MINUTE
    assert keys(outbox.claim("sms", "me", 10)) == ["later"]


def test_tries_end_in_a_dead_letter_that_a_person_may_send_again(outbox: Outbox, time: Clock) -> None:
    """What the carrier never takes is listed, and starts anew by hand only."""
    put(outbox, sms("a"))
    for _ in range(TRIES):
        [message] = outbox.claim("sms", "me", 1)
        outbox.complete("me", [(message, Outcome(Result.RETRY, "30001"))])
        time.now += timedelta(hours=2)
    assert outbox.claim("sms", "me", 1) == []
    [letter] = outbox.letters([State.DEAD, State.UNKNOWN])
    assert (letter.reason, letter.tries, letter.state) == ("30001", TRIES, State.DEAD)
    assert outbox.try_again(letter.id)
    assert not outbox.try_again(letter.id)
    assert keys(outbox.claim("sms", "me", 1)) == ["a"]


def test_waiting_for_the_carrier_uses_up_no_try(outbox: Outbox, time: Clock) -> None:
    """Wrong credentials are no fault of a message's."""
    put(outbox, sms("a"))
    for _ in range(TRIES + 3):
        [message] = outbox.claim("sms", "me", 1)
        outbox.complete("me", [(message, Outcome(Result.WAIT, "20003", after=MINUTE))])
        time.now += 2 * MINUTE
    assert outbox.claim("sms", "me", 1)[0].tries == 1


def test_outcomes_are_written_back_together(outbox: Outbox) -> None:
    """Several of a kind, of each kind, in one transaction."""
    put(outbox, *(sms(f"{result}{n}", f"+86{result}{n}") for result in Result for n in range(2)))
    claimed = outbox.claim("sms", "me", 50)
    outbox.complete("me", [(message, Outcome(Result(message.content["text"][:-1]))) for message in claimed])
    assert outbox.counts() == {
        State.SENT: 2, State.DELIVERED: 2, State.FAILED: 2, State.UNKNOWN: 2, State.QUEUED: 4
    }  # fmt: skip


def test_what_was_not_begun_is_given_back(outbox: Outbox, time: Clock) -> None:
    """A sender that stops in good order leaves nothing unknown."""
    put(outbox, sms("a"))
    outbox.give_back("me", outbox.claim("sms", "me", 1))
    time.now += timedelta(seconds=1)
    [message] = outbox.claim("sms", "other", 1)
    assert message.tries == 1


def test_a_dead_senders_messages_are_looked_up_not_sent(outbox: Outbox, time: Clock) -> None:
    """After the lease another takes them over; the first, if it lives after all, changes nothing without proof."""
    put(outbox, sms("a"), sms("b", "+862"), sms("c", "+863"))
    mine = outbox.claim("sms", "me", 3)
    assert outbox.left_behind("sms", "other", 10) == []
    time.now += LEASE
    left = outbox.left_behind("sms", "other", 10)
    assert keys(left) == keys(mine)
    assert outbox.left_behind("sms", "third", 10) == []
    unknown = Outcome(Result.UNKNOWN, "left")
    outbox.complete("me", [(mine[0], Outcome(Result.RETRY)), (mine[1], SENT)])
    assert [row(outbox, key).state for key in "abc"] == ["sending", "sent", "sending"]
    outbox.complete("other", [(message, unknown) for message in left])
    assert [row(outbox, key).state for key in "abc"] == ["unknown", "sent", "unknown"]
    assert outbox.claim("sms", "me", 3) == []


def test_reports_go_forward_only(outbox: Outbox) -> None:
    """Late, repeated and reordered ones change nothing; the first conclusion stands."""
    put(outbox, sms("a"))
    [message] = outbox.claim("sms", "me", 1)
    assert outbox.report(message.id, State.DELIVERED, provider_id="SM9")  # before the sender wrote back
    outbox.complete("me", [(message, Outcome(Result.UNKNOWN, "timeout"))])
    assert not outbox.report(message.id, State.SENT)
    assert not outbox.report(message.id, State.FAILED, reason="30003")
    assert not outbox.report_by_provider_id("sms", "SM9", State.DELIVERED)
    assert (row(outbox, "a").state, row(outbox, "a").provider_id) == ("delivered", "SM9")
    assert not outbox.report("no such message", State.SENT)
    with pytest.raises(ValueError, match="no carrier reports"):
        outbox.report(message.id, State.QUEUED)


def test_a_report_for_a_waiting_message_keeps_it_from_being_sent_again(outbox: Outbox, time: Clock) -> None:
    """The carrier's refusal was wrong: it had the message."""
    put(outbox, sms("a"))
    [message] = outbox.claim("sms", "me", 1)
    outbox.complete("me", [(message, Outcome(Result.RETRY, "503"))])
    assert outbox.report(message.id, State.SENT, provider_id="SM2")
    time.now += timedelta(hours=1)
    assert outbox.claim("sms", "me", 1) == []
    assert outbox.report_by_provider_id("sms", "SM2", State.FAILED, reason="30005")
    assert (row(outbox, "a").state, row(outbox, "a").reason) == ("failed", "30005")


def test_what_waits_for_its_moment_can_go_now(outbox: Outbox, time: Clock) -> None:
    """By its key, and only before its first try: a pause after a refusal is kept."""
    put(outbox, sms("a", send_after=time.now + MINUTE))
    outbox.hurry("a")
    [message] = outbox.claim("sms", "me", 1)
    outbox.complete("me", [(message, Outcome(Result.RETRY, after=MINUTE))])
    outbox.hurry("a")
    assert outbox.claim("sms", "me", 1) == []


def test_who_is_here_is_told_what_waits(outbox: Outbox, time: Clock) -> None:
    """What waits for a recipient can be taken at once, due or not, in order; others' stays."""
    put(outbox, sms("1", send_after=time.now + MINUTE), sms("2"), sms("old", expires_at=time.now), sms("other", "+862"))
    assert outbox.waits("sms", "+8613800000001")
    assert not outbox.waits("sms", "+863")
    told = outbox.claim_waiting("sms", "+8613800000001", "me", 5)
    assert keys(told) == ["1", "2"]
    assert outbox.claim_waiting("sms", "+8613800000001", "me", 5) == []
    outbox.complete("me", [(message, Outcome(Result.SENT)) for message in told])
    assert keys(outbox.claim("sms", "me", 9)) == ["other"]


def test_nothing_overtakes_what_is_on_its_way(outbox: Outbox) -> None:
    """Who is here is told what waits behind it only when it has arrived."""
    put(outbox, sms("1"), sms("2"), sms("reply", priority=Priority.REPLY))
    [reply] = outbox.claim("sms", "other", 1)
    assert keys([reply]) == ["reply"]
    [first] = outbox.claim("sms", "other", 1)
    assert keys([first]) == ["1"]
    assert outbox.claim_waiting("sms", "+8613800000001", "me", 5) == []
    outbox.complete("other", [(first, Outcome(Result.SENT))])
    assert keys(outbox.claim_waiting("sms", "+8613800000001", "me", 5)) == ["2"]


def test_what_went_by_another_road_is_reported_by_its_key(outbox: Outbox) -> None:
    """Then it is not sent."""
    put(outbox, sms("a"))
    assert outbox.report_by_key("a", State.SENT)
    assert outbox.claim("sms", "me", 9) == []
    assert not outbox.report_by_key("a", State.SENT)


def test_after_a_restore_nothing_goes_out_unseen(outbox: Outbox) -> None:
    """What waited is held until a person lets it go; what was on its way is unknown."""
    put(outbox, sms("away"))
    outbox.claim("sms", "me", 1)
    put(outbox, sms("b", batch="spring"), sms("c", "+863"))
    assert outbox.quarantine() == (2, 1)
    assert outbox.claim("sms", "me", 10) == []
    assert outbox.counts() == {State.HELD: 2, State.UNKNOWN: 1}
    assert outbox.release(batch="spring") == 1
    assert keys(outbox.claim("sms", "me", 10)) == ["b"]


def test_a_broadcast_is_held_counted_and_dropped(outbox: Outbox) -> None:
    """By its name, without touching others."""
    put(outbox, *(sms(f"s{n}", f"+86{n}", batch="spring") for n in range(5)), sms("other"))
    assert outbox.hold(batch="spring") == 5
    assert outbox.release(batch="spring") == 5
    [one] = outbox.claim("sms", "me", 1)
    outbox.complete("me", [(one, SENT)])
    assert outbox.drop("spring", "stopped by the officer") == 4
    assert outbox.counts("spring") == {State.SENT: 1, State.DEAD: 4}
    assert keys(outbox.claim("sms", "me", 9)) == ["other"]


def test_ids_sort_as_they_were_made() -> None:
    """Within a call they differ and ascend; they fit the column."""
    ids = new_ids()
    made = [next(ids) for _ in range(3000)]
    assert made == sorted(set(made))
    assert {len(each) for each in made} == {32}


def test_a_long_iterator_is_taken_in_chunks(sqlite: Database, vault: Vault) -> None:
    """Memory does not grow with the broadcast."""
    outbox = Outbox(sqlite, vault)

    def peak(count: int) -> int:
        tracemalloc.start()
        with sqlite.begin() as session:
            assert outbox.enqueue(session, (sms(f"{count}-{n}", f"+86{n}") for n in range(count))) == count
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    assert peak(6000) < 1.5 * peak(2000)


def test_the_claim_uses_its_indexes(sqlite: Database, vault: Vault) -> None:
    """Each claim reads the backlog's front, not the table."""
    statement = Outbox._due("sms", Priority.BULK, clock.now()).limit(50)
    compiled = str(statement.compile(sqlite.engine, compile_kwargs={"literal_binds": True}))
    with sqlite.engine.begin() as connection:
        plan = " ".join(str(step) for step in connection.execute(text(f"explain query plan {compiled}")))
    assert "ix_outbox_due (channel=? AND priority=?" in plan
    assert "ix_outbox_order (recipient=? AND channel=? AND priority=?" in plan
    assert "TEMP B-TREE" not in plan


class Life(RuleBasedStateMachine):
    """Senders, carriers, crashes and reports in any order, against one promise: no message is handed over twice unless
    the carrier had certainly not taken it."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.time = Clock()
        self.in_hand: list[Claimed] = []
        self.may_have_it: set[str] = set()  # the carrier may have it: must never be claimed again
        self.last: dict[str, State] = {}
        self.began: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
        self.number = 0

    @initialize()
    def start(self) -> None:
        """An empty database."""
        file = Path(self.directory.name) / "life.db"
        shutil.copy(_template(), file)
        self.database = Database(f"sqlite:///{file}")
        self.outbox = Outbox(self.database, Vault(bytes(32)), self.time)

    @rule(person=st.integers(0, 2), priority=st.sampled_from([Priority.REPLY, Priority.BULK]))
    def enqueue(self, person: int, priority: Priority) -> None:
        """A new message, and the one before it again."""
        self.number += 1
        new = [sms(f"{n}", f"+86{person}", priority=priority) for n in (self.number - 1, self.number) if n]
        put(self.outbox, *new)

    @rule(limit=st.integers(1, 4))
    def claim(self, limit: int) -> None:
        """Take some; none that the carrier may have, and each recipient's in order."""
        for message in self.outbox.claim("sms", "me", limit):
            assert message.id not in self.may_have_it
            with self.database.read() as session:
                stored = session.get(OutboxRow, message.id)
                assert stored is not None
                began = self.began[stored.recipient, stored.priority]
            if message.id not in began:
                assert all(before < message.id for before in began)
                began.append(message.id)
            self.may_have_it.add(message.id)  # from here on the carrier may be called at any moment
            self.in_hand.append(message)

    @rule(data=st.data(), result=st.sampled_from(Result))
    def complete(self, data: st.DataObject, result: Result) -> None:
        """The carrier answers. After a sure refusal the message may go again."""
        if not self.in_hand:
            return
        message = self.in_hand.pop(data.draw(st.integers(0, len(self.in_hand) - 1)))
        if result in (Result.RETRY, Result.WAIT):
            self.may_have_it.discard(message.id)
        self.outbox.complete("me", [(message, Outcome(result, "why"))])

    @rule(data=st.data(), state=st.sampled_from([State.SENT, State.DELIVERED, State.FAILED]))
    def report(self, data: st.DataObject, state: State) -> None:
        """A report on a message that was handed over at some time."""
        known = sorted({each for began in self.began.values() for each in began})
        if known:
            named = data.draw(st.sampled_from(known))
            self.outbox.report(named, state)
            self.may_have_it.add(named)

    @rule()
    def crash(self) -> None:
        """All senders die; what they held is looked up later, and nothing can be found out."""
        self.in_hand.clear()
        self.time.now += LEASE
        left = self.outbox.left_behind("sms", "next", 100)
        self.outbox.complete("next", [(message, Outcome(Result.UNKNOWN, "left")) for message in left])

    @rule(minutes=st.integers(1, 90))
    def wait(self, minutes: int) -> None:
        """Time goes by: pauses end. Senders that still hold messages are alive and have renewed their leases."""
        self.time.now += timedelta(minutes=minutes)

    @rule()
    def restore(self) -> None:
        """The database was put back: nothing goes out by itself. Then a person lets it go."""
        self.in_hand.clear()
        self.outbox.quarantine()
        assert self.outbox.claim("sms", "me", 10) == []
        self.outbox.release()

    @invariant()
    def every_step_is_allowed(self) -> None:
        """Each message is in one state, reached from the last by allowed steps; what is concluded stays."""
        with self.database.read() as session:
            now = {found.id: State(found.state) for found in session.scalars(select(OutboxRow))}
        assert len(now) == self.number
        for name, state in now.items():
            assert state in _reachable(self.last.get(name, State.QUEUED))
        self.last = now

    def teardown(self) -> None:
        """Leave no file behind."""
        if hasattr(self, "database"):
            self.database.close()
        self.directory.cleanup()


def _reachable(state: State) -> set[State]:
    """The states that a message may be in after any number of steps (dead letters are not sent again here)."""
    found, new = set[State](), {state}
    while new:
        found |= new
        new = {after for after, before in MAY_FOLLOW.items() if found & before} - found
    return found


_made: list[Path] = []


def _template() -> Path:
    if not _made or not _made[0].exists():
        directory = Path(tempfile.mkdtemp())
        database = Database(f"sqlite:///{directory / 'template.db'}")
        database.upgrade()
        database.close()
        _made[:] = [directory / "template.db"]
    return _made[0]


@pytest.fixture(scope="module", autouse=True)
def _no_file_left() -> Iterator[None]:
    yield
    for file in _made:
        shutil.rmtree(file.parent, ignore_errors=True)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
