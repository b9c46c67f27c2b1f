"""Long jobs in the background, on Huey: a task only says «take in list N»; what is to be done, and how far it came, stands in
the database, so a crash loses nothing and a task that comes twice does nothing twice."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from huey import SqliteHuey
from huey.consumer import Consumer
from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError

from core import clock
from core.database import Database
from core.errors import MingbaiError
from core.lease import Lease, hold_lease
from outreach.importer import Imports
from outreach.sending import Sending

log = structlog.get_logger()
LEASE_FOR = timedelta(seconds=90)  # longer than a batch or a merge takes
REISSUE_EVERY_S = 30.0
ROUND_EVERY_S, IDLE_EVERY_S = 0.1, 1.0


class _QuietConsumer(Consumer):  # type: ignore[misc]  # Huey has no types
    """A consumer inside the service: signals are the service's business."""

    def _set_signal_handlers(self) -> None:
        """None."""


class Jobs:
    """The jobs of this process: lists are taken in by Huey's threads, broadcasts are fed by a loop of their own."""

    def __init__(self, database: Database, imports: Imports, sending: Sending, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._database, self._imports, self._sending = database, imports, sending
        self._huey = SqliteHuey("mingbai", filename=str(file), fsync=True)
        self._take_in: Any = self._huey.task(name="take_in_list")(self._run_import)
        self._me, self._stopping = secrets.token_hex(12), False

    def take_in(self, import_id: int) -> None:
        """Have a list taken in that was begun."""
        self._take_in(import_id)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Consumer and loops at work until the block ends; what is under way then stops at its next step, to go on later."""
        consumer = _QuietConsumer(self._huey, workers=1, periodic=False, shutdown_timeout=10)
        consumer.start()
        loops = [asyncio.create_task(self._reissue(), name="reissue"), asyncio.create_task(self._feed(), name="broadcasts")]
        try:
            yield
        finally:
            self._stopping = True
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            await asyncio.to_thread(consumer.stop, graceful=True)
            self._huey.storage.close()

    def _run_import(self, import_id: int) -> None:
        """One list. Another process may be at it: then its lease says so."""
        if not self._mine(import_id):
            return
        try:
            done = self._imports.run(import_id, lambda: self._stopping or not self._mine(import_id))
            log.info("a list was taken in" if done else "a list stopped on its way", list=import_id)
        except MingbaiError as error:  # the list itself is wrong: said on its page
            with self._database.begin() as session:
                self._imports.give_up(session, import_id, str(error))
        finally:
            free = update(Lease).where(Lease.name == _lease(import_id), Lease.holder == self._me)
            with self._database.statement(writes=True) as connection:
                connection.execute(free.values(until=clock.now()))

    def _mine(self, import_id: int) -> bool:
        with self._database.begin() as session:
            return hold_lease(session, _lease(import_id), self._me, clock.now(), LEASE_FOR)

    async def _reissue(self) -> None:
        """Lists that a crash left, or that nobody is at."""
        while True:
            try:
                for import_id in await asyncio.to_thread(self._left):
                    await asyncio.to_thread(self.take_in, import_id)
            except SQLAlchemyError as error:
                log.warning("cannot look for lists that were left", reason=type(error).__name__)
            await asyncio.sleep(REISSUE_EVERY_S)

    def _left(self) -> list[int]:
        left = []
        for import_id in self._imports.open_ones():
            with self._database.read() as session:
                lease = session.get(Lease, _lease(import_id))
                if lease is None or clock.as_utc(lease.until) <= clock.now():
                    left.append(import_id)
        return left

    async def _feed(self) -> None:
        while True:
            moved = 0
            try:
                moved = await asyncio.to_thread(self._sending.round)
            except SQLAlchemyError as error:  # a round that fails is tried again: what is due stays due
                log.warning("a round of broadcasts failed", reason=type(error).__name__)
            await asyncio.sleep(ROUND_EVERY_S if moved > 0 else IDLE_EVERY_S)


def _lease(import_id: int) -> str:
    return f"import:{import_id}"
