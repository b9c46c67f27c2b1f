"""The deliverer: from the outbox to a carrier and back, whatever the carrier does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from channels.carrier import Capabilities
from channels.deliverer import Deliverer
from core.crypto import Vault
from core.database import Database
from core.delivery import Outcome, Result, State
from core.outbox import Claimed, Outbox, Outgoing

SENT = Outcome(Result.SENT)


class Scripted:
    """A carrier that does as it is told, by the message's text."""

    name = "scripted"

    def __init__(self, *, finds: bool = True, per_second: float = float("inf")) -> None:
        self.capabilities = Capabilities(
            two_way=True, free_text=True, links=True, reports=True, finds=finds, parts=8, per_second=per_second
        )
        self.script: dict[str, list[Outcome | Exception]] = {}
        self.found: dict[str, Outcome | None] = {}
        self.calls: list[str] = []
        self.under_way = self.most = 0
        self.hold: asyncio.Event | None = None
        self.closed = False

    async def send(self, message: Claimed) -> Outcome:
        text = str(message.content["text"])
        self.calls.append(text)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0.002)
        if self.hold is not None:
            await self.hold.wait()
        self.under_way -= 1
        outcome = self.script[text].pop(0) if self.script.get(text) else SENT
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def find(self, message: Claimed) -> Outcome | None:
        return self.found.get(str(message.content["text"]), Outcome(Result.UNKNOWN, "not found"))

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def outbox(database: Database, vault: Vault) -> Outbox:
    """An empty outbox on each kind of database."""
    return Outbox(database, vault)


def put(outbox: Outbox, *texts: str, to: str | None = None) -> None:
    """Messages, each to another recipient unless one is told."""
    with outbox._database.begin() as session:
        outbox.enqueue(session, [Outgoing(text, "sms", to or f"+852{text}", {"text": text}) for text in texts])


@asynccontextmanager
async def delivering(outbox: Outbox, carrier: Scripted, **settings: Any) -> AsyncIterator[Deliverer]:
    """A deliverer at work, with a short lease."""
    fast: dict[str, Any] = {"lease": timedelta(seconds=0.4), "poll_s": 0.02, "look_up_every_s": 0.1, "at_once": 16}
    deliverer = Deliverer(outbox, "sms", carrier, **{**fast, **settings})
    task = asyncio.create_task(deliverer.run())
    try:
        yield deliverer
    finally:
        deliverer.stop()
        await asyncio.wait_for(task, 10)


async def until(check: Callable[[], bool], seconds: float = 8) -> None:
    """Wait until something holds."""
    for _ in range(int(seconds * 50)):
        if await asyncio.to_thread(check):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never came true")


async def test_everything_goes_out_once(outbox: Outbox) -> None:
    """A hundred messages, at most sixteen at a time, all sent, the connection closed at the end."""
    put(outbox, *map(str, range(100)))
    carrier = Scripted()
    async with delivering(outbox, carrier):
        await until(lambda: outbox.counts() == {State.SENT: 100})
    assert sorted(carrier.calls, key=int) == list(map(str, range(100)))
    assert 1 < carrier.most <= 16
    assert carrier.closed


async def test_two_deliverers_share_the_work(outbox: Outbox) -> None:
    """Of two processes no message goes out twice, and each recipient's order is kept."""
    for number in range(60):
        put(outbox, str(number), to=f"+8521111111{number % 6}")
    one, two = Scripted(), Scripted()
    one.calls = two.calls = calls = []
    async with delivering(outbox, one), delivering(outbox, two):
        await until(lambda: outbox.counts() == {State.SENT: 60}, 20)
    for person in range(6):
        assert [int(call) for call in calls if int(call) % 6 == person] == list(range(person, 60, 6))
    assert max(one.most, two.most) > 1


async def test_a_lost_answer_is_looked_up(outbox: Outbox) -> None:
    """What the carrier has is sent, what it does not know is unknown; neither is sent again."""
    put(outbox, "there", "gone", "away")
    carrier = Scripted()
    lost: list[Outcome | Exception] = [Outcome(Result.UNKNOWN, "timeout")]
    carrier.script = {"there": [*lost], "gone": [*lost], "away": [*lost]}
    carrier.found = {"there": Outcome(Result.SENT, provider_id="SM7"), "away": None}
    async with delivering(outbox, carrier):
        await until(lambda: outbox.counts() == {State.SENT: 1, State.UNKNOWN: 1, State.SENDING: 1})
        carrier.found["away"] = Outcome(Result.DELIVERED)
        await until(lambda: outbox.counts() == {State.SENT: 1, State.UNKNOWN: 1, State.DELIVERED: 1})
    assert sorted(carrier.calls) == ["away", "gone", "there"]


async def test_a_carrier_without_a_look_up_leaves_unknown_at_once(outbox: Outbox) -> None:
    """Nobody will ever know more."""
    put(outbox, "a")
    carrier = Scripted(finds=False)
    carrier.script = {"a": [Outcome(Result.UNKNOWN, "timeout")]}
    async with delivering(outbox, carrier):
        await until(lambda: outbox.counts() == {State.UNKNOWN: 1})


async def test_a_carrier_that_raises_stops_nothing(outbox: Outbox) -> None:
    """Its message is unknown, the others go on."""
    put(outbox, "bad", "good")
    carrier = Scripted()
    carrier.script = {"bad": [ValueError("oops")]}
    async with delivering(outbox, carrier):
        await until(lambda: outbox.counts() == {State.UNKNOWN: 1, State.SENT: 1})


async def test_a_carrier_that_takes_nothing_is_left_alone(outbox: Outbox) -> None:
    """One refusal that holds for all pauses the channel; no try is counted, and then all goes out."""
    put(outbox, *map(str, range(40)))
    carrier = Scripted()
    carrier.script = {str(number): [Outcome(Result.WAIT, "20429", after=timedelta(seconds=1))] for number in range(40)}
    async with delivering(outbox, carrier):
        await until(lambda: len(carrier.calls) >= 16)
        await asyncio.sleep(0.3)
        assert len(carrier.calls) == 16
        carrier.script.clear()
        await until(lambda: outbox.counts() == {State.SENT: 40})


async def test_a_slow_carrier_is_not_hurried(outbox: Outbox) -> None:
    """Twenty parts a second: twenty messages take about a second, and few are held meanwhile."""
    put(outbox, *map(str, range(20)))
    carrier = Scripted(per_second=20)
    began = asyncio.get_running_loop().time()
    async with delivering(outbox, carrier, lease=timedelta(seconds=30)):
        await until(lambda: outbox.counts() == {State.SENT: 20})
    assert asyncio.get_running_loop().time() - began > 0.85


async def test_stopping_gives_back_what_was_not_begun(outbox: Outbox) -> None:
    """Calls under way are finished and written back; the rest waits for the next start with all its tries."""
    put(outbox, *map(str, range(10)))
    carrier = Scripted(per_second=2)
    carrier.hold = asyncio.Event()
    async with delivering(outbox, carrier, lease=timedelta(seconds=30)) as deliverer:
        await until(lambda: bool(carrier.calls))
        deliverer.stop()
        carrier.hold.set()
    counts = outbox.counts()
    assert counts[State.SENT] == len(carrier.calls)
    assert set(counts) == {State.SENT, State.QUEUED}
