"""The sending of broadcasts: fed into the outbox a little at a time, and what became of each text written back.

Little at a time: a pause, a refusal or the end of the day then has little to call back. Each feeding is one transaction
(text into the outbox, recipient marked, money counted), and its keys name recipient and attempt, so a process killed anywhere
repeats nothing.
"""

from __future__ import annotations

import contextlib
import secrets
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, String, cast, func, literal, select, update
from sqlalchemy.orm import Session

from core import clock
from core.clock import CHINA
from core.crypto import Vault
from core.database import Database
from core.delivery import Priority, State
from core.lease import hold_lease
from core.outbox import EXPIRED, Outbox, OutboxRow, Outgoing
from outreach.audience import OPTED_OUT as OUT
from outreach.audience import day_number
from outreach.broadcast import STOPPED, Broadcasts, batch_of
from outreach.broadcast_tables import BroadcastRow, DeliveryRow, Fate, WordingRow, is_fate
from outreach.consent import OPTED_OUT, SMS
from outreach.reading import unsealed
from outreach.replies import note_replies
from outreach.rules import NotNow, Status, Step, affordable, after, closes_at, is_open
from outreach.tables import ContactRow, Hold, OptOutRow

BACKLOG = 2000  # texts of one broadcast in the outbox at a time: two seconds of the quickest carrier
FED = 250  # texts of one feeding: villagers' messages wait for the database no longer than that takes
CHUNK = 5000  # deliveries that are looked at in one go
LEASE, LEASE_FOR = "broadcasts", timedelta(seconds=20)
REPORTS_FOR = timedelta(days=3)  # reports later than this change nothing here
REPLIES_EVERY, LOOK_BACK = timedelta(minutes=1), timedelta(days=2)
OVER_BUDGET = "预算用完了"

_FATES = {
    State.SENT: Fate.SENT, State.DELIVERED: Fate.DELIVERED, State.FAILED: Fate.FAILED, State.UNKNOWN: Fate.UNKNOWN,
    State.DEAD: Fate.FAILED,
}  # fmt: skip


@dataclass
class _Feeding:
    """What is to be done with the next recipients of a broadcast."""

    messages: list[Outgoing] = field(default_factory=list)
    fed: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    costs: list[int] = field(default_factory=list)


class Sending:
    """Goes round over the broadcasts that are under way. Of several processes the one that holds the lease does it."""

    def __init__(
        self, database: Database, vault: Vault, outbox: Outbox, broadcasts: Broadcasts, now: Callable[[], datetime] = clock.now,
        *, backlog: int = BACKLOG,
    ) -> None:  # fmt: skip
        self._database, self._vault, self._outbox, self._broadcasts = database, vault, outbox, broadcasts
        self._now, self._backlog, self._me = now, backlog, secrets.token_hex(12)
        self._replies_until = now() - LOOK_BACK
        self._walked: dict[int, int] = {}  # broadcast -> the last contact whose report was looked for

    def round(self) -> int:
        """One round; gives how many recipients moved, -1 where another process has the lease."""
        with self._database.begin() as session:
            if not hold_lease(session, LEASE, self._me, self._now(), LEASE_FOR):
                return -1
        self._broadcasts.carry_out_orders()
        self._note_replies()
        moved = 0
        for broadcast_id, status in self._under_way():
            moved += self.settle(broadcast_id)
            if status == Status.SENDING:
                moved += self.feed(broadcast_id)
        return moved

    def feed(self, broadcast_id: int) -> int:
        """Put the next texts of a broadcast into the outbox, as far as hour, budget and backlog allow; gives how many moved."""
        now, over = self._now(), False
        with self._database.begin() as session:
            row = session.get_one(BroadcastRow, broadcast_id, with_for_update=True, populate_existing=True)
            if row.status != Status.SENDING or (row.start_at is not None and row.start_at > now):
                return 0
            if not row.mandatory and not is_open(now):
                return 0
            queued, next_ones = self._count(session, row.id, Fate.QUEUED), list[Row[Any]]()
            if queued < self._backlog:
                next_ones = self._next(session, row.id, min(FED, self._backlog - queued))
            feeding = self._feeding(row, next_ones, now)
            paid = affordable(feeding.costs, row.spent, row.budget)
            over = paid == queued == 0 < len(feeding.costs)  # what is paid for is sent before the pause
            self._outbox.enqueue(session, feeding.messages[:paid])
            self._mark(session, row.id, feeding.fed[:paid], Fate.QUEUED, "")
            self._mark(session, row.id, feeding.refused, Fate.CANCELLED, OUT)
            today = day_number(now.astimezone(CHINA).date())
            _by_ids(session, update(ContactRow).values(messaged_day=today), ContactRow.id, feeding.fed[:paid])
            row.spent += sum(feeding.costs[:paid])
            if not next_ones and not queued and not self._count(session, row.id, Fate.WAITING):
                row.status, row.updated_at = after(Status(row.status), Step.FINISH), now
        if over:
            with contextlib.suppress(NotNow):  # somebody was quicker
                self._broadcasts.pause(broadcast_id, None, OVER_BUDGET)
        return paid + len(feeding.refused)

    def settle(self, broadcast_id: int) -> int:
        """Write back what became of texts in the outbox; gives how many moved.

        Those that wait there are few and looked at each time; those that are sent, a chunk each time, for their reports.
        """
        last = self._walked.get(broadcast_id, 0)
        with self._database.begin() as session:
            waiting = self._news(session, broadcast_id, is_fate(Fate.QUEUED), 0)
            reports = self._news(session, broadcast_id, DeliveryRow.fate.in_([Fate.SENT, Fate.UNKNOWN]), last)
            self._walked[broadcast_id] = reports[-1].contact_id if len(reports) == CHUNK else 0
            return self._write_back(session, broadcast_id, [*waiting, *reports])

    # --- inside -----------------------------------------------------------------------------------------------------

    def _note_replies(self) -> None:
        """Once a minute; with some overlap, for what was heard may be committed later than it was dated."""
        now = self._now()
        if now - self._replies_until < REPLIES_EVERY:
            return
        with self._database.begin() as session:
            note_replies(session, self._replies_until - REPLIES_EVERY)
        self._replies_until = now

    def _under_way(self) -> list[tuple[int, Status]]:
        since = self._now() - REPORTS_FOR
        live = BroadcastRow.status.in_([Status.SENDING, Status.PAUSED])
        late = BroadcastRow.status.in_([Status.DONE, Status.STOPPED]) & (BroadcastRow.updated_at > since)
        with self._database.read() as session:
            rows = session.execute(select(BroadcastRow.id, BroadcastRow.status).where(live | late).order_by(BroadcastRow.id))
            return [(number, Status(status)) for number, status in rows]

    @staticmethod
    def _count(session: Session, broadcast_id: int, fate: Fate) -> int:
        mine = (DeliveryRow.broadcast_id == broadcast_id, is_fate(fate))
        return session.scalar(select(func.count()).select_from(DeliveryRow).where(*mine)) or 0

    @staticmethod
    def _next(session: Session, broadcast_id: int, limit: int) -> list[Row[Any]]:
        """The next recipients, with what is known of them now: a refusal since the freeze counts."""
        query = (
            select(
                DeliveryRow.contact_id, DeliveryRow.attempt, ContactRow.sealed, ContactRow.hold, WordingRow.said,
                WordingRow.parts, OptOutRow.since,
            )
            .join(ContactRow, ContactRow.id == DeliveryRow.contact_id)
            .join(WordingRow, (WordingRow.broadcast_id == DeliveryRow.broadcast_id) & (WordingRow.region == DeliveryRow.region))
            .outerjoin(OptOutRow, OptOutRow.address == ContactRow.address)
            .where(DeliveryRow.broadcast_id == broadcast_id, is_fate(Fate.WAITING))
            .order_by(DeliveryRow.contact_id)
            .limit(limit)
        )  # fmt: skip
        return list(session.execute(query))

    def _feeding(self, row: BroadcastRow, next_ones: list[Row[Any]], now: datetime) -> _Feeding:
        feeding = _Feeding()
        priority = Priority.NOTICE if row.mandatory else Priority.BULK
        until = None if row.mandatory else closes_at(now)  # what is not sent by then waits for the morning
        for one in next_ones:
            number, _ = unsealed(self._vault, one.sealed)
            refuses = not row.mandatory and (one.since is not None or one.hold == Hold.OPTED_OUT)
            if refuses or not number or one.hold == Hold.GONE:
                feeding.refused.append(one.contact_id)
                continue
            feeding.fed.append(one.contact_id)
            feeding.costs.append(one.parts * row.price)
            key = f"{batch_of(row.id)}:{one.attempt}:{one.contact_id}"
            feeding.messages.append(
                Outgoing(key, SMS, number, {"text": one.said}, priority, expires_at=until, batch=batch_of(row.id))
            )
        return feeding

    @staticmethod
    def _news(session: Session, broadcast_id: int, which: ColumnElement[bool], beyond: int) -> list[Row[Any]]:
        key: ColumnElement[str] = (
            literal(f"{batch_of(broadcast_id)}:")
            + cast(DeliveryRow.attempt, String) + literal(":") + cast(DeliveryRow.contact_id, String)
        )  # fmt: skip
        chunk = (
            select(DeliveryRow.contact_id, DeliveryRow.region, DeliveryRow.fate, key.label("key"))
            .where(
                DeliveryRow.broadcast_id == broadcast_id, which, DeliveryRow.contact_id > beyond
            )
            .order_by(DeliveryRow.contact_id)
            .limit(CHUNK)
            .subquery()
        )  # fmt: skip
        query = (
            select(chunk.c.contact_id, chunk.c.fate, OutboxRow.state, OutboxRow.reason, WordingRow.parts)
            .join(OutboxRow, OutboxRow.key == chunk.c.key)
            .join(WordingRow, (WordingRow.broadcast_id == broadcast_id) & (WordingRow.region == chunk.c.region))
            .order_by(chunk.c.contact_id)
        )
        return list(session.execute(query))

    def _write_back(self, session: Session, broadcast_id: int, news: list[Row[Any]]) -> int:
        """Move recipients to where their text is; what was certainly not sent costs nothing."""
        moves, again, refunded = defaultdict[tuple[Fate, str], list[int]](list), list[int](), 0
        for one in news:
            state = State(one.state)
            fate, reason = _FATES.get(state), "" if state in (State.SENT, State.DELIVERED) else one.reason[:40]
            if fate is None or fate == one.fate:
                continue
            if state == State.DEAD:
                refunded += one.parts
            if state == State.DEAD and reason == EXPIRED:
                again.append(one.contact_id)
            elif state == State.DEAD and reason in (OPTED_OUT, STOPPED):
                moves[Fate.CANCELLED, reason].append(one.contact_id)
            else:
                moves[fate, reason].append(one.contact_id)
        for (fate, reason), ids in moves.items():
            self._mark(session, broadcast_id, ids, fate, reason)
        waits = update(DeliveryRow).values(fate=Fate.WAITING, attempt=DeliveryRow.attempt + 1)
        _by_ids(session, waits.where(DeliveryRow.broadcast_id == broadcast_id), DeliveryRow.contact_id, again)
        today = day_number(self._now().astimezone(CHINA).date())
        reached = moves.get((Fate.DELIVERED, ""), [])
        _by_ids(session, update(ContactRow).values(reached_day=today), ContactRow.id, reached)
        if refunded:
            mine = update(BroadcastRow).where(BroadcastRow.id == broadcast_id)
            session.execute(mine.values(spent=BroadcastRow.spent - refunded * BroadcastRow.price))
        return len(again) + sum(len(ids) for ids in moves.values())

    @staticmethod
    def _mark(session: Session, broadcast_id: int, ids: list[int], fate: Fate, reason: str) -> None:
        mine = update(DeliveryRow).where(DeliveryRow.broadcast_id == broadcast_id)
        _by_ids(session, mine.values(fate=fate, reason=reason), DeliveryRow.contact_id, ids)


def _by_ids(session: Session, change: Any, column: Any, ids: list[int]) -> None:
    """Apply an update to some rows, so many at a time as every database takes in one list."""
    connection = session.connection()
    for start in range(0, len(ids), 1000):
        connection.execute(change.where(column.in_(ids[start : start + 1000])))
