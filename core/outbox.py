"""The outbox: what goes out to people is committed here first, and a sender brings it to its carrier.

Anyone may enqueue, inside the transaction that the message is news of; a key makes it idempotent. A sender claims a batch
for a time (a lease) and writes back what came of it. Addresses and texts are sealed; order is kept by a keyed hash of the
address. The states and what may follow which: ``core.delivery``.
"""

from __future__ import annotations

import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count, islice
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Index,
    LargeBinary,
    RowMapping,
    Select,
    String,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    text,
    update,
)  # fmt: skip
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from core import clock
from core.crypto import Vault
from core.database import Base, Database
from core.delivery import LIVE, MAY_FOLLOW, Outcome, Priority, Result, State, decide

CHUNK = 1000  # rows that are sealed and inserted at a time: memory stays flat for a broadcast of any size
LEASE = timedelta(minutes=2)  # longer than any call of a carrier may take
EXPIRED = "expired"
LEFT = "left by a sender"  # the reason of a message whose sender died between claiming it and writing back


class OutboxRow(Base):
    """One message to one recipient. ``batch`` names the broadcast that it belongs to, ``tries`` counts claims."""

    __tablename__ = "outbox"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    key: Mapped[str] = mapped_column(String(80), unique=True)
    channel: Mapped[str] = mapped_column(String(20))
    recipient: Mapped[str] = mapped_column(String(40))
    batch: Mapped[str | None] = mapped_column(String(40), default=None)
    priority: Mapped[int]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(80), default="")
    tries: Mapped[int] = mapped_column(default=0)
    parts: Mapped[int | None] = mapped_column(default=None)
    provider_id: Mapped[str | None] = mapped_column(String(64), default=None)
    holder: Mapped[str | None] = mapped_column(String(40), default=None)
    lease_until: Mapped[datetime | None] = mapped_column(default=None)
    due_at: Mapped[datetime]
    expires_at: Mapped[datetime | None] = mapped_column(default=None)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    # partial: what is done with leaves these two, so they stay as small as the backlog
    __table_args__ = (
        Index(
            "ix_outbox_due", "channel", "priority", "due_at", "id",
            sqlite_where=text("state = 'queued'"), postgresql_where=text("state = 'queued'"),
        ),
        Index(
            "ix_outbox_order", "recipient", "channel", "priority", "id",
            sqlite_where=text("state in ('queued', 'sending')"), postgresql_where=text("state in ('queued', 'sending')"),
        ),
        Index(
            "ix_outbox_leases", "lease_until",
            sqlite_where=text("state = 'sending'"), postgresql_where=text("state = 'sending'"),
        ),
        Index("ix_outbox_batch", "batch", "state"),
        Index("ix_outbox_state", "state", "channel", "id"),
        Index("ix_outbox_provider_id", "provider_id"),
    )  # fmt: skip


@dataclass(frozen=True)
class Outgoing:
    """A message to enqueue. ``key`` names it once and for all («case:17:accepted»); ``to`` is the channel's address of the
    recipient, ``content`` what the channel's carrier understands (JSON). Not sent before ``send_after`` nor after
    ``expires_at``."""

    key: str
    channel: str
    to: str
    content: dict[str, Any]
    priority: Priority = Priority.NOTICE
    send_after: datetime | None = None
    expires_at: datetime | None = None
    batch: str | None = None


@dataclass(frozen=True)
class Claimed:
    """A message in the hands of a sender, in clear. ``id`` is the one that a carrier's report brings back."""

    id: str
    channel: str
    to: str = field(repr=False)
    content: dict[str, Any] = field(repr=False)
    tries: int
    created_at: datetime
    batch: str | None = None
    claimed_at: datetime | None = None


@dataclass(frozen=True)
class Letter:
    """A message as the desk lists it: nothing of whom it goes to or what it says."""

    id: str
    channel: str
    state: State
    reason: str
    tries: int
    created_at: datetime
    updated_at: datetime
    batch: str | None


class Outbox:
    """The outbox of all channels. ``now`` is the clock that decides what is due."""

    def __init__(self, database: Database, vault: Vault, now: Callable[[], datetime] = clock.now) -> None:
        self._database, self._vault, self._now = database, vault, now

    # --- whoever has something to say -----------------------------------------------------------------------------

    def recipient(self, channel: str, to: str) -> str:
        """The opaque key of an address on a channel: also the key of the conversation that is held there."""
        return self._vault.lookup(f"{channel}:{to}")[:40]

    def enqueue(self, within: Session | Connection, messages: Iterable[Outgoing]) -> int:
        """Put messages in, in order, in the caller's transaction; one whose key is there already is left out.

        Gives how many are new. An iterator of any length is taken a chunk at a time.
        """
        connection = within.connection() if isinstance(within, Session) else within
        dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
        unless_there = dialect.insert(OutboxRow).on_conflict_do_nothing(index_elements=["key"]).returning(OutboxRow.id)
        new, left = 0, iter(messages)
        while rows := self._rows(islice(left, CHUNK)):
            new += len(connection.execute(unless_there, rows).all())
        return new

    # --- senders --------------------------------------------------------------------------------------------------

    def claim(self, channel: str, holder: str, limit: int, lease: timedelta = LEASE) -> list[Claimed]:
        """Take at most ``limit`` messages that are due, the most urgent first, and mark them as ``sending``.

        Never one whose recipient still waits for an earlier one of the same class. What is too late by now is dead.
        """
        now, rows = self._now(), list[RowMapping]()
        with self._database.statement(writes=True) as connection:
            for priority in Priority:
                due = self._due(channel, priority, now).limit(limit - len(rows))
                rows += connection.execute(due).mappings().all()
                if len(rows) >= limit:
                    break
            late = [row["id"] for row in rows if row["expires_at"] is not None and row["expires_at"] <= now]
            taken = [row for row in rows if row["id"] not in set(late)]
            if late:
                dead = update(OutboxRow).where(OutboxRow.id.in_(late), OutboxRow.state == State.QUEUED)
                connection.execute(dead.values(state=State.DEAD, reason=EXPIRED, updated_at=now))
            self._take(connection, taken, holder, now, lease)
        return [self._claimed(row, row["tries"] + 1, now) for row in taken]

    def claim_waiting(self, channel: str, to: str, holder: str, limit: int, lease: timedelta = LEASE) -> list[Claimed]:
        """Take what waits for one recipient, due or not, oldest first: they are here, and can be told now. What comes after
        a message of the same class that is on its way stays."""
        now, away = self._now(), aliased(OutboxRow)
        before_it = (
            select(away.id)
            .where(
                away.recipient == OutboxRow.recipient, away.channel == channel, away.priority == OutboxRow.priority,
                away.id < OutboxRow.id, _is(away, State.SENDING),
            )
            .exists()
        )  # fmt: skip
        waiting = (
            select(*_COLUMNS)
            .where(
                OutboxRow.recipient == self.recipient(channel, to), OutboxRow.channel == channel,
                _is(OutboxRow, State.QUEUED), or_(OutboxRow.expires_at.is_(None), OutboxRow.expires_at > now), ~before_it,
            )
            .order_by(OutboxRow.id)
            .limit(limit)
            .with_for_update(skip_locked=True, of=OutboxRow)
        )  # fmt: skip
        with self._database.statement(writes=True) as connection:
            rows = list(connection.execute(waiting).mappings().all())
            self._take(connection, rows, holder, now, lease)
        return [self._claimed(row, row["tries"] + 1, now) for row in rows]

    def waits(self, channel: str, to: str) -> bool:
        """Whether anything waits for a recipient."""
        one = select(OutboxRow.id).where(
            OutboxRow.recipient == self.recipient(channel, to), OutboxRow.channel == channel, _is(OutboxRow, State.QUEUED)
        )
        with self._database.statement(writes=False) as connection:
            return connection.execute(one.limit(1)).first() is not None

    def complete(self, holder: str, outcomes: Sequence[tuple[Claimed, Outcome]]) -> None:
        """Write back what came of claimed messages, all in one transaction.

        What a report said in the meantime stands. What another took over after our lease ran out is changed only by
        proof that the carrier took it.
        """
        now, changes = self._now(), defaultdict[tuple[State, bool], list[dict[str, Any]]](list)
        for message, outcome in outcomes:
            decision = decide(outcome, message.tries)
            waits = outcome.result == Result.WAIT
            changes[decision.state, waits].append(
                {
                    "of": message.id, "said": decision.reason[:80], "due": now + decision.pause,
                    "provider": outcome.provider_id, "billed": outcome.parts,
                }
            )  # fmt: skip
        with self._database.statement(writes=True) as connection:
            for (state, waits), rows in changes.items():
                connection.execute(self._completion(state, holder, now, waits), rows)

    def give_back(self, holder: str, messages: Sequence[Claimed]) -> None:
        """Put claimed messages back for which the carrier was certainly not called: a sender that stops in good order."""
        self.complete(holder, [(message, Outcome(Result.WAIT, after=timedelta(microseconds=1))) for message in messages])

    def left_behind(self, channel: str, holder: str, limit: int, lease: timedelta = LEASE) -> list[Claimed]:
        """Take over messages whose sender is gone. They are to be looked up at the carrier, never sent again blindly."""
        now = self._now()
        left = (
            select(*_COLUMNS)
            .where(_is(OutboxRow, State.SENDING), OutboxRow.lease_until <= now, OutboxRow.channel == channel)
            .order_by(OutboxRow.lease_until)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        with self._database.statement(writes=True) as connection:
            rows = connection.execute(left).mappings().all()
            if rows:
                mine = update(OutboxRow).where(OutboxRow.id.in_([row["id"] for row in rows]))
                connection.execute(mine.values(holder=holder, lease_until=now + lease))
        return [self._claimed(row, row["tries"], row["updated_at"]) for row in rows]

    # --- carriers' reports ------------------------------------------------------------------------------------------

    def report(
        self, message_id: str, state: State, *, provider_id: str | None = None, reason: str = "", parts: int | None = None
    ) -> bool:
        """A carrier's word on a message: ``sent``, ``delivered`` or ``failed``. Forward only, so late, repeated and
        reordered reports change nothing. Gives whether it did."""
        return self._report(OutboxRow.id == message_id, state, provider_id, reason, parts)

    def hurry(self, key: str) -> None:
        """Let a message that waits for a later moment go now."""
        waiting = update(OutboxRow).where(OutboxRow.key == key, OutboxRow.state == State.QUEUED, OutboxRow.tries == 0)
        with self._database.statement(writes=True) as connection:
            connection.execute(waiting.values(due_at=self._now()))

    def report_by_key(self, key: str, state: State) -> bool:
        """The same from whoever brought a message to its recipient by another road and knows its key only."""
        return self._report(OutboxRow.key == key, state, None, "", None)

    def report_by_provider_id(
        self, channel: str, provider_id: str, state: State, *, reason: str = "", parts: int | None = None
    ) -> bool:
        """The same from a carrier that names a message by its own id only."""
        named = (OutboxRow.channel == channel) & (OutboxRow.provider_id == provider_id)
        return self._report(named, state, provider_id, reason, parts)

    # --- people -----------------------------------------------------------------------------------------------------

    def hold(self, channel: str | None = None, batch: str | None = None) -> int:
        """Keep back what waits, of a channel, of a broadcast, or all of it. Gives how many."""
        return self._move(State.QUEUED, State.HELD, channel, batch)

    def release(self, channel: str | None = None, batch: str | None = None) -> int:
        """Let go what was held. Gives how many."""
        return self._move(State.HELD, State.QUEUED, channel, batch)

    def drop(self, batch: str, reason: str) -> int:
        """Give up what waits or is held of a broadcast. Gives how many."""
        return sum(self._move(state, State.DEAD, None, batch, reason) for state in (State.QUEUED, State.HELD))

    def withdraw(self, within: Session | Connection, recipient: str, reason: str) -> int:
        """Give up what waits or is held of broadcasts for one recipient, in the caller's transaction. Gives how many.

        Replies and notices go on. What a sender has claimed already is out of our hands.
        """
        connection = within.connection() if isinstance(within, Session) else within
        waits = update(OutboxRow).where(OutboxRow.recipient == recipient, OutboxRow.priority == int(Priority.BULK))
        now = self._now()
        return sum(
            connection.execute(
                waits.where(_is(OutboxRow, state)).values(state=State.DEAD, reason=reason, updated_at=now)
            ).rowcount
            for state in (State.QUEUED, State.HELD)
        )

    def quarantine(self) -> tuple[int, int]:
        """After a restore: the backup does not know what was sent since. What waited is held until a person has looked,
        what was on its way is unknown. Gives how many of each."""
        now = self._now()
        away = update(OutboxRow).where(OutboxRow.state == State.SENDING)
        with self._database.statement(writes=True) as connection:
            unknown = connection.execute(away.values(state=State.UNKNOWN, reason="restored", holder=None, updated_at=now))
        return self.hold(), unknown.rowcount

    def try_again(self, message_id: str) -> bool:
        """Put a dead letter back into the queue with all its tries. False for what is in another state."""
        now = self._now()
        dead = update(OutboxRow).where(OutboxRow.id == message_id, OutboxRow.state == State.DEAD)
        with self._database.statement(writes=True) as connection:
            again = connection.execute(
                dead.values(state=State.QUEUED, tries=0, reason="", due_at=now, expires_at=None, updated_at=now)
            )
        return again.rowcount == 1

    def letters(self, states: Sequence[State], limit: int = 100, after: str = "") -> list[Letter]:
        """Messages in some states, newest first; a page goes on after the id of the last."""
        found = select(OutboxRow).where(OutboxRow.state.in_(states)).order_by(OutboxRow.id.desc()).limit(limit)
        if after:
            found = found.where(OutboxRow.id < after)
        with self._database.read() as session:
            return [
                Letter(row.id, row.channel, State(row.state), row.reason, row.tries, row.created_at, row.updated_at, row.batch)
                for row in session.scalars(found)
            ]

    def state(self, message_id: str) -> State | None:
        """Where a message is; None for one that was never enqueued."""
        with self._database.statement(writes=False) as connection:
            found = connection.execute(select(OutboxRow.state).where(OutboxRow.id == message_id)).scalar_one_or_none()
        return None if found is None else State(found)

    def counts(self, batch: str | None = None) -> dict[State, int]:
        """How many messages of a broadcast, or of all, are in each state."""
        by_state = select(OutboxRow.state, func.count()).group_by(OutboxRow.state)
        if batch is not None:
            by_state = by_state.where(OutboxRow.batch == batch)
        with self._database.statement(writes=False) as connection:
            return {State(state): count for state, count in connection.execute(by_state)}

    # --- inside -----------------------------------------------------------------------------------------------------

    def _rows(self, messages: Iterable[Outgoing]) -> list[dict[str, Any]]:
        now, ids = self._now(), new_ids()
        return [
            {
                "id": next(ids), "key": message.key, "channel": message.channel, "batch": message.batch,
                "recipient": self.recipient(message.channel, message.to), "priority": int(message.priority),
                "body": self._vault.seal_json({"to": message.to, "content": message.content}), "state": State.QUEUED,
                "reason": "", "tries": 0, "due_at": message.send_after or now, "expires_at": message.expires_at,
                "created_at": now, "updated_at": now,
            }
            for message in messages
        ]  # fmt: skip

    def _claimed(self, row: RowMapping, tries: int, claimed_at: datetime) -> Claimed:
        body = self._vault.unseal_json(row["body"])
        return Claimed(row["id"], row["channel"], body["to"], body["content"], tries, row["created_at"], row["batch"], claimed_at)

    @staticmethod
    def _take(connection: Connection, rows: Sequence[RowMapping], holder: str, now: datetime, lease: timedelta) -> None:
        if rows:
            mine = update(OutboxRow).where(OutboxRow.id.in_([row["id"] for row in rows]))
            taken = {"state": State.SENDING, "holder": holder, "lease_until": now + lease, "updated_at": now}
            connection.execute(mine.values(**taken, tries=OutboxRow.tries + 1))

    @staticmethod
    def _due(channel: str, priority: Priority, now: datetime) -> Select[*tuple[Any, ...]]:
        live = aliased(OutboxRow)
        # a scalar subquery, which no planner turns into a join over the whole backlog
        first = (
            select(func.min(live.id))
            .where(
                live.recipient == OutboxRow.recipient, live.channel == channel, live.priority == int(priority),
                _is(live, *LIVE),
            )
            .scalar_subquery()
        )  # fmt: skip
        return (
            select(*_COLUMNS)
            .where(
                OutboxRow.channel == channel, OutboxRow.priority == int(priority), _is(OutboxRow, State.QUEUED),
                OutboxRow.due_at <= now, OutboxRow.id == first,
            )
            .order_by(OutboxRow.due_at, OutboxRow.id)
            .with_for_update(skip_locked=True, of=OutboxRow)
        )  # fmt: skip

    @staticmethod
    def _completion(state: State, holder: str, now: datetime, waits: bool) -> Any:
        may = _is(OutboxRow, *sorted(MAY_FOLLOW[state]))  # literals: executemany takes no lists
        if state in (State.QUEUED, State.UNKNOWN, State.DEAD):  # no proof of anything: only while it is ours
            may = (OutboxRow.state == State.SENDING) & (OutboxRow.holder == holder)
        values: dict[str, Any] = {
            "state": state, "reason": bindparam("said"), "holder": None, "lease_until": None, "updated_at": now,
            "provider_id": func.coalesce(bindparam("provider"), OutboxRow.provider_id),
            "parts": func.coalesce(bindparam("billed"), OutboxRow.parts),
        }  # fmt: skip
        if state == State.QUEUED:
            values["due_at"] = bindparam("due")
        if waits:
            values["tries"] = OutboxRow.tries - 1
        return update(OutboxRow).where(OutboxRow.id == bindparam("of"), may).values(**values)

    def _report(self, named: Any, state: State, provider_id: str | None, reason: str, parts: int | None) -> bool:
        values: dict[str, Any] = {"state": state, "reason": reason[:80], "holder": None, "updated_at": self._now()}
        if provider_id is not None:
            values["provider_id"] = provider_id
        if parts is not None:
            values["parts"] = parts
        if state not in (State.SENT, State.DELIVERED, State.FAILED):
            raise ValueError(f"no carrier reports «{state}»")
        with self._database.statement(writes=True) as connection:
            moved = connection.execute(update(OutboxRow).where(named, OutboxRow.state.in_(MAY_FOLLOW[state])).values(**values))
        return moved.rowcount > 0

    def _move(self, old: State, new: State, channel: str | None, batch: str | None, reason: str = "") -> int:
        rows = update(OutboxRow).where(OutboxRow.state == old)
        if channel is not None:
            rows = rows.where(OutboxRow.channel == channel)
        if batch is not None:
            rows = rows.where(OutboxRow.batch == batch)
        with self._database.statement(writes=True) as connection:
            return connection.execute(rows.values(state=new, reason=reason, updated_at=self._now())).rowcount


def _is(row: Any, *states: State) -> ColumnElement[bool]:
    """A condition spelt as the partial indexes are: a database uses one only if it sees that the condition implies it."""
    named: list[ColumnElement[str]] = [literal_column(f"'{state}'") for state in states]
    condition: ColumnElement[bool] = row.state == named[0] if len(named) == 1 else row.state.in_(named)
    return condition


def new_ids() -> Iterator[str]:
    """Ids that sort in the order in which they are made: 14 hex digits of microseconds, 6 of a counter, 12 by chance."""
    began = time.time_ns() // 1000
    for number in count():
        yield f"{began:014x}{number:06x}{secrets.token_hex(6)}"


_COLUMNS = (
    OutboxRow.id, OutboxRow.channel, OutboxRow.body, OutboxRow.tries, OutboxRow.created_at, OutboxRow.updated_at,
    OutboxRow.expires_at, OutboxRow.batch,
)  # fmt: skip
