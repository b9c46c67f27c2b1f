"""Brings the outbox to a carrier: claims, calls, writes back; many calls at a time, few transactions.

A message whose call ended without an answer stays ``sending`` until its lease runs out; then it is looked up at the carrier,
like one whose sender died. It is never sent again blindly.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import secrets
import time
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from channels.carrier import Carrier
from core.delivery import Outcome, Result
from core.outbox import LEASE, Claimed, Outbox

log = structlog.get_logger()
AT_ONCE = 128
POLL_S = 0.5
LOOK_UP_EVERY_S = 15.0
LOOK_UP_AT_ONCE = 20
WAIT_AT_LEAST_S = 1.0
HOLD_AT_MOST_S = 30.0  # a slow carrier's messages are not claimed longer before their turn than this: far less than a lease


class Deliverer:
    """One channel's sender in this process. Several processes may each have one."""

    def __init__(
        self, outbox: Outbox, channel: str, carrier: Carrier, *, at_once: int = AT_ONCE, lease: timedelta = LEASE,
        poll_s: float = POLL_S, look_up_every_s: float = LOOK_UP_EVERY_S,
    ) -> None:  # fmt: skip
        pace = carrier.capabilities.per_second
        self._at_once = at_once if math.isinf(pace) else max(1, min(at_once, int(pace * HOLD_AT_MOST_S)))
        self._outbox, self._channel, self._carrier, self._lease = outbox, channel, carrier, lease
        self._poll_s, self._look_up_every_s = poll_s, look_up_every_s
        self._me = secrets.token_hex(12)
        self._calls: dict[asyncio.Task[None], Claimed] = {}
        self._done: list[tuple[Claimed, Outcome]] = []
        self._wake = asyncio.Event()
        self._stop = asyncio.Event()
        self._pause_until = self._next_slot = 0.0
        self._looked_up_at = 0.0

    async def run(self) -> None:
        """Until ``stop``: then what was not begun is given back, and calls that are under way are waited for."""
        while not self._stop.is_set():
            try:
                idle = await self._round()
            except SQLAlchemyError as error:  # the database may be away for a while; outcomes are kept until it is back
                log.warning("the outbox cannot be read or written", channel=self._channel, reason=type(error).__name__)
                await asyncio.sleep(WAIT_AT_LEAST_S)
                continue
            if idle:
                self._wake.clear()
                if not self._done:
                    await self._nap()
        await self._finish()

    def stop(self) -> None:
        self._stop.set()
        self._wake.set()

    async def _nap(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), self._poll_s)

    async def _round(self) -> bool:
        """Write back, claim, call. True when there was nothing new to call."""
        await self._write_back()
        if time.monotonic() - self._looked_up_at >= self._look_up_every_s:
            await self._look_up()
        room = self._room()
        if not room:
            return True
        claimed = await asyncio.to_thread(self._outbox.claim, self._channel, self._me, room, self._lease)
        for message in claimed:
            task = asyncio.create_task(self._call(message))
            self._calls[task] = message
            task.add_done_callback(self._called)
        return not claimed

    def _room(self) -> int:
        """How many to claim: none in a pause, and not a few at a time."""
        if time.monotonic() < self._pause_until:
            return 0
        free = self._at_once - len(self._calls)
        return free if free * 4 >= self._at_once else 0

    async def _call(self, message: Claimed) -> None:
        await self._slot()
        if self._stop.is_set() or time.monotonic() < self._pause_until:
            self._done.append((message, Outcome(Result.WAIT, "not begun", after=timedelta(seconds=WAIT_AT_LEAST_S))))
            return
        outcome = await self._carrier.send(message)
        if outcome.result == Result.WAIT:
            self._pause(outcome)
        if outcome.result == Result.UNKNOWN and self._carrier.capabilities.finds:
            return  # looked up when the lease has run out; a report may come first
        self._done.append((message, outcome))

    def _called(self, task: asyncio.Task[None]) -> None:
        message = self._calls.pop(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # a carrier must not raise; if it does, nobody knows how far it got
            log.error("a carrier raised", carrier=self._carrier.name, message_id=message.id, reason=type(error).__name__)
            self._done.append((message, Outcome(Result.UNKNOWN, type(error).__name__)))
        self._wake.set()

    async def _slot(self) -> None:
        """Wait for this call's turn at a carrier that takes so many parts a second."""
        pace = self._carrier.capabilities.per_second
        if math.isinf(pace):
            return
        now = time.monotonic()
        self._next_slot = max(now, self._next_slot) + 1 / pace
        with contextlib.suppress(TimeoutError):  # the usual end; at a stop nobody waits for a turn
            await asyncio.wait_for(self._stop.wait(), self._next_slot - 1 / pace - now)

    def _pause(self, outcome: Outcome) -> None:
        pause = max(outcome.after.total_seconds() if outcome.after else 0.0, WAIT_AT_LEAST_S)
        if time.monotonic() >= self._pause_until:
            log.error("the carrier takes nothing now", carrier=self._carrier.name, reason=outcome.reason, pause_s=pause)
        self._pause_until = time.monotonic() + pause

    async def _write_back(self) -> None:
        done, self._done = self._done, []
        if not done:
            return
        try:
            await asyncio.to_thread(self._outbox.complete, self._me, done)
        except SQLAlchemyError:
            self._done = done + self._done
            raise

    async def _look_up(self) -> None:
        """Ask the carrier for what a dead sender or a lost answer left."""
        self._looked_up_at = time.monotonic()
        left = await asyncio.to_thread(self._outbox.left_behind, self._channel, self._me, LOOK_UP_AT_ONCE, self._lease)
        for message in left:
            found: Outcome | None = Outcome(Result.UNKNOWN, "no answer")
            if self._carrier.capabilities.finds:
                found = await self._carrier.find(message)
            if found is not None:
                self._done.append((message, found))

    async def _finish(self) -> None:
        if self._calls:
            await asyncio.wait(list(self._calls))
        try:
            await self._write_back()
        except SQLAlchemyError as error:  # what is lost here is looked up at the next start
            log.warning("outcomes could not be written back", channel=self._channel, reason=type(error).__name__)
        await self._carrier.close()
