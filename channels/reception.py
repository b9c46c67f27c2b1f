"""Every channel's messages come in here: journalled first, answered once, each sender's in order.

``room`` turns run at a time. What comes beyond that stays in the journal and is answered in the order in which it came; so
is what a crash left. A web client is asked to come back when the line is long; danger to life never waits in it.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from channels.journal import Journal
from channels.message import Answerer, Inbound, Said
from core import clock
from core.errors import MingbaiError

log = structlog.get_logger()
ROOM = 200  # turns under way; each waits for Rasa's few places anyway
LINE = 2000  # messages that wait for room before a web client is told to come back
LEFT_FOR = timedelta(seconds=60)  # a message without an answer for so long has been left by whoever took it
LOOK_EVERY_S = 15.0
FAILURES = 3  # a message whose turn raised so often is left to the next start


class Busy(MingbaiError):
    """现在问的人太多了，请等一分钟再发。急事请打110、120。"""


@dataclass
class _Waiting:
    message: Inbound
    send: bool
    send_after: Callable[[], datetime] | None
    done: asyncio.Future[dict[str, Any]]


class Reception:
    """Journals a message, has it answered once, and stores the answer beside it."""

    def __init__(
        self, journal: Journal, answer: Answerer, *, is_urgent: Callable[[str], bool] = lambda _: False, room: int = ROOM
    ) -> None:
        self._journal, self._answer, self._is_urgent, self._room = journal, answer, is_urgent, room
        self._taking: dict[tuple[str, str], asyncio.Future[_Waiting | dict[str, Any]]] = {}
        self._waiting: dict[str, _Waiting] = {}  # by message id: under way or in line
        self._line: deque[_Waiting] = deque()
        self._senders: defaultdict[str, deque[_Waiting]] = defaultdict(deque)  # each sender's, in order; the first runs
        self._running = 0
        self._failures: defaultdict[str, int] = defaultdict(int)
        self._tasks: set[asyncio.Task[None]] = set()

    async def say(self, conversation: str, said: Said, *, send_after: timedelta | None = None) -> dict[str, Any]:
        """The answer to a message, in the contract's form; a retried id gets the answer that stands.

        With ``send_after`` the answer goes through the outbox if nobody says within that time that it has been passed on.
        Cancelling the caller does not stop the turn. Raises Busy when the line is long: then nothing was journalled.
        """
        if len(self._line) >= LINE and not self._is_urgent(said.text):
            raise Busy
        after = None if send_after is None else (lambda: clock.now() + send_after)
        taken = await self._take(conversation, said, send=send_after is not None, send_after=after)
        # a villager who closes the page must not stop the turn: the effects are under way
        return taken if isinstance(taken, dict) else await asyncio.shield(taken.done)

    async def take(self, conversation: str, said: Said, *, send: bool = True) -> str | None:
        """Journal a message; it is answered through the outbox in its time, or with ``send`` false only taken note of. Gives
        its id, or None for a retry of one that was answered. When this returns the message is safe."""
        taken = await self._take(conversation, said, send=send)
        return None if isinstance(taken, dict) else taken.message.id

    async def recover(self, before: datetime) -> None:
        """Put what was left unanswered before a moment into the line; whoever comes now waits behind their own."""
        for message in await asyncio.to_thread(self._journal.unanswered, before):
            if message.id not in self._waiting and self._failures[message.id] < FAILURES:
                self._enter(_Waiting(message, True, None, asyncio.get_running_loop().create_future()))
        self._go_on()

    async def watch(self) -> None:
        """Until cancelled: what another process left, or what failed here, is answered after all."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.recover(clock.now() - LEFT_FOR)
            except SQLAlchemyError as error:  # the database may be away for a while
                log.warning("cannot see what is unanswered", reason=type(error).__name__)

    async def close(self) -> None:
        """Stop the turns; what they have not answered stays in the journal."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _take(
        self, conversation: str, said: Said, *, send: bool, send_after: Callable[[], datetime] | None = None
    ) -> _Waiting | dict[str, Any]:
        """A retry that comes while the first is being journalled waits for that: it cannot slip in between."""
        if said.client_id is None:
            return await self._record(conversation, said, send, send_after)
        name = (conversation, said.client_id)
        taking = self._taking.get(name)
        if taking is None:
            taking = asyncio.ensure_future(self._record(conversation, said, send, send_after))
            self._taking[name] = taking
            taking.add_done_callback(lambda _: self._taking.pop(name, None))
        return await asyncio.shield(taking)

    async def _record(
        self, conversation: str, said: Said, send: bool, send_after: Callable[[], datetime] | None
    ) -> _Waiting | dict[str, Any]:
        message, stored = await asyncio.to_thread(self._journal.record, conversation, **vars(said))
        if stored is not None:
            return stored
        waiting = self._waiting.get(message.id)
        if waiting is None and message.retried:
            # it may have looked before the answer was stored, and come here after it
            stored = await asyncio.to_thread(self._journal.answer_of, message.id)
            if stored is not None:
                return stored
            waiting = self._waiting.get(message.id)
        if waiting is None:
            waiting = _Waiting(message, send, send_after, asyncio.get_running_loop().create_future())
            self._enter(waiting)
            self._go_on()
        return waiting

    def _enter(self, waiting: _Waiting) -> None:
        self._waiting[waiting.message.id] = waiting
        own = self._senders[waiting.message.conversation]
        own.append(waiting)
        if len(own) > 1:
            return
        if self._running >= self._room and self._is_urgent(waiting.message.text):
            self._start(waiting)
        else:
            self._line.append(waiting)

    def _go_on(self) -> None:
        while self._line and self._running < self._room:
            self._start(self._line.popleft())

    def _start(self, waiting: _Waiting) -> None:
        self._running += 1
        task = asyncio.create_task(self._turn(waiting))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _turn(self, waiting: _Waiting) -> None:
        message = waiting.message
        try:
            answer = await self._answer(message)
            after = waiting.send_after() if waiting.send_after else None
            stored = await asyncio.to_thread(self._journal.answered, answer, send=waiting.send, send_after=after)
            if not waiting.done.done():
                waiting.done.set_result(stored)
        except Exception as error:  # noqa: BLE001  # any failure belongs to whoever waits; the message stays in the journal
            self._failed(waiting, error)
        finally:
            self._running -= 1
            waiting.done.cancel()  # of one that was stopped; an answered one stays as it is
            self._leave(waiting)

    def _failed(self, waiting: _Waiting, error: Exception) -> None:
        self._failures[waiting.message.id] += 1
        log.error("a turn failed", message_id=waiting.message.id, reason=type(error).__name__)
        if not waiting.done.done():
            waiting.done.set_exception(error)
            waiting.done.exception()  # perhaps nobody waits for it

    def _leave(self, waiting: _Waiting) -> None:
        message = waiting.message
        self._waiting.pop(message.id, None)
        own = self._senders[message.conversation]
        own.popleft()
        if own:
            self._line.appendleft(own[0])  # the sender's next has waited for this one
        else:
            del self._senders[message.conversation]
        self._go_on()
