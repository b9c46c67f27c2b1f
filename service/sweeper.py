"""What time alone sets going: alerts, requests and deadlines that climb, unanswered talks, calls to deliver."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.telling import Telling
from cadres.alert import Alerts, Call, Notify
from cadres.deadlines import Deadlines
from cadres.handoff import Handoffs
from core import clock
from core.database import Database
from core.errors import MingbaiError
from core.lease import hold_lease

log = structlog.get_logger()
LEASE = "sweep"
LEASE_FOR = timedelta(seconds=60)  # longer than any round; a process that dies is replaced after it


class Sweeper:
    """Goes round every few seconds. Of several processes the one that holds the lease does the work."""

    def __init__(
        self, *, database: Database, alerts: Alerts, handoffs: Handoffs, deadlines: Deadlines, telling: Telling,
        notify: Notify, digest: Callable[[], int], forget: Callable[[], int], every_s: float,
    ) -> None:  # fmt: skip
        self._database, self._alerts, self._handoffs, self._deadlines = database, alerts, handoffs, deadlines
        self._telling, self._notify, self._digest, self._forget, self._every_s = telling, notify, digest, forget, every_s
        self._me = secrets.token_hex(12)

    async def run(self) -> None:
        """Until cancelled. A round that fails is tried again: what is due stays due."""
        while True:
            try:
                await asyncio.to_thread(self.round)
            except SQLAlchemyError as error:
                log.warning("a round of the sweeper failed", reason=type(error).__name__)
            await asyncio.sleep(self._every_s)

    def round(self) -> bool:
        """One round. False when another process holds the lease."""
        with self._database.begin() as session:
            if not hold_lease(session, LEASE, self._me, clock.now(), LEASE_FOR):
                return False
            for word in [*self._alerts.climb(session), *self._handoffs.sweep(session)]:
                self._telling.tell(session, word)
            self._deadlines.sweep(session)
        self._digest()  # once a day
        self._forget()  # the pre-checks that were left open for a day
        with self._database.read() as session:
            calls = self._alerts.to_deliver(session)
        for call in calls:
            self._deliver(call)
        return True

    def _deliver(self, call: Call) -> None:
        try:
            self._notify(call)
        except MingbaiError as failure:  # the next round tries again, the others must not wait for it
            log.warning("a call did not get through", call=call.id, reason=str(failure))
            return
        with self._database.begin() as session:
            self._alerts.delivered(session, call)


def notify_on_desk(call: Call) -> None:
    """The first way of notifying: the desk shows every alert in a bar on each page, so that only the log is left to do."""
    log.info("an alert is on the desk", call=call.id, account=call.account_id, region=call.region)
