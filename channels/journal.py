"""The inbound journal: a message is committed here before it is answered, and its answer beside it.

A retried message (same channel, sender and client's id) finds its row and gets the stored answer. What was
journalled and not answered is answered after a crash (``unanswered``). Texts are encrypted at rest.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import LargeBinary, String, UniqueConstraint, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from channels.message import Answer, Inbound
from core import clock
from core.crypto import Vault
from core.database import Base, Database


class InboundRow(Base):
    """A message and, once there is one, its answer."""

    __tablename__ = "inbound"
    __table_args__ = (UniqueConstraint("conversation", "client_id"),)
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    conversation: Mapped[str] = mapped_column(String(64), index=True)
    client_id: Mapped[str] = mapped_column(String(80))
    body: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[datetime]
    answered_at: Mapped[datetime | None] = mapped_column(index=True, default=None)
    answer: Mapped[bytes | None] = mapped_column(LargeBinary, default=None)


class Notice(Base):
    """What the villager is told without having asked: late answers, news of a case, words of a cadre."""

    __tablename__ = "notices"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    conversation: Mapped[str] = mapped_column(String(64), index=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]


@dataclass(frozen=True)
class Line:
    """One line of a conversation as both sides saw it."""

    id: str
    who: str  # villager | bot
    text: str
    at: datetime
    buttons: list[dict[str, str]]


def new_id() -> str:
    """An id that sorts by time: 14 hex digits of microseconds, 10 random ones."""
    return f"{time.time_ns() // 1_000:014x}{secrets.token_hex(5)}"


class Journal:
    """The journal of all channels."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    def conversation(self, channel: str, sender: str) -> str:
        """The opaque key of a sender on a channel: nobody reads a name or number from it."""
        return self._vault.lookup(f"{channel}:{sender}")[:40]

    def record(
        self, conversation: str, *, text: str = "", payload: str = "", client_id: str | None = None, region: str | None = None
    ) -> tuple[Inbound, dict[str, Any] | None]:
        """Commit a message; gives it with the stored answer if it is a retry that was answered already."""
        message_id = new_id()
        body = {"text": text, "payload": payload, "region": region}
        row = {
            "id": message_id,
            "conversation": conversation,
            "client_id": client_id or message_id,
            "body": self._vault.seal_json(body),
            "received_at": clock.now(),
        }
        try:
            with self._database.statement(writes=True) as connection:
                connection.execute(insert(InboundRow), row)
        except IntegrityError:
            return self._retried(conversation, client_id or message_id)
        return Inbound(message_id, conversation, text, payload, region), None

    def answered(self, answer: Answer) -> dict[str, Any]:
        """Store an answer beside its message, unless one stands there already; gives the one that stands."""
        said = answer.as_json()
        first = update(InboundRow).where(InboundRow.id == answer.message_id, InboundRow.answer.is_(None))
        with self._database.statement(writes=True) as connection:
            stored = connection.execute(first.values(answer=self._vault.seal_json(said), answered_at=clock.now()))
            if stored.rowcount == 1:
                return said
            standing = connection.execute(
                select(InboundRow.answer).where(InboundRow.id == answer.message_id)
            ).scalar_one_or_none()
        if standing is None:
            raise LookupError(f"no journalled message {answer.message_id}")
        return dict(self._vault.unseal_json(standing))

    def unanswered(self, before: datetime) -> list[Inbound]:
        """Messages received before a moment and never answered, oldest first."""
        with self._database.read() as session:
            rows = session.scalars(
                select(InboundRow)
                .where(InboundRow.answered_at.is_(None), InboundRow.received_at < before)
                .order_by(InboundRow.id)
            )
            return [self._inbound(row) for row in rows]

    def notify(self, conversation: str, text: str) -> str:
        """Put a line before the villager at the next look; gives its id."""
        notice_id = new_id()
        with self._database.begin() as session:
            session.add(Notice(id=notice_id, conversation=conversation, body=self._vault.seal(text), created_at=clock.now()))
        return notice_id

    def lines(self, conversation: str, limit: int = 60) -> list[Line]:
        """The last lines of a conversation, oldest first."""
        with self._database.read() as session:
            inbound = list(
                session.scalars(
                    select(InboundRow).where(InboundRow.conversation == conversation).order_by(InboundRow.id.desc()).limit(limit)
                )
            )
            notices = list(session.scalars(select(Notice).where(Notice.conversation == conversation)))
        lines = [line for row in inbound for line in self._spoken(row)]
        lines += [Line(row.id, "bot", self._vault.unseal(row.body), row.created_at, []) for row in notices]
        return sorted(lines, key=lambda line: (line.at, line.id))[-limit:]

    def updates(self, conversation: str, after: str) -> list[dict[str, Any]]:
        """Notices, and answers that came late, since a message id."""
        with self._database.read() as session:
            rows = session.scalars(
                select(Notice).where(Notice.conversation == conversation, Notice.id > after).order_by(Notice.id)
            )
            return [{"message_id": row.id, "replies": [{"text": self._vault.unseal(row.body), "buttons": []}]} for row in rows]

    def _retried(self, conversation: str, client_id: str) -> tuple[Inbound, dict[str, Any] | None]:
        with self._database.read() as session:
            row = session.scalars(
                select(InboundRow).where(InboundRow.conversation == conversation, InboundRow.client_id == client_id)
            ).one()
            stored = None if row.answer is None else dict(self._vault.unseal_json(row.answer))
            return self._inbound(row), stored

    def _inbound(self, row: InboundRow) -> Inbound:
        body = self._vault.unseal_json(row.body)
        return Inbound(row.id, row.conversation, body["text"], body["payload"], body["region"])

    def _spoken(self, row: InboundRow) -> list[Line]:
        body = self._vault.unseal_json(row.body)
        lines = [Line(row.id, "villager", body["text"], row.received_at, [])]
        if row.answer is not None and row.answered_at is not None:
            replies = self._vault.unseal_json(row.answer)["replies"]
            lines += [Line(row.id, "bot", reply["text"], row.answered_at, reply["buttons"]) for reply in replies]
        return [line for line in lines if line.text]
