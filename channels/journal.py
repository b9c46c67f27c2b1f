"""The inbound journal: a message is committed here before it is answered, and its answer beside it.

A retried message (same channel, sender and client's id) finds its row and gets the stored answer. What was
journalled and not answered is answered after a crash (``unanswered``). Texts are encrypted at rest.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, ForeignKey, LargeBinary, String, UniqueConstraint, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from channels.address import reach_of, remember
from channels.message import Answer, Button, Inbound, Reach
from channels.voice import Audio, Heard
from core import clock
from core.crypto import Vault
from core.database import Base, Database
from core.delivery import Priority, State
from core.outbox import Outbox, Outgoing


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


class Voice(Base):
    """The recording of a voice message, sealed, and what was understood of it."""

    __tablename__ = "voices"
    message_id: Mapped[str] = mapped_column(ForeignKey("inbound.id", ondelete="CASCADE"), primary_key=True)
    media_type: Mapped[str] = mapped_column(String(40))
    audio: Mapped[bytes] = mapped_column(LargeBinary)
    transcript: Mapped[bytes | None] = mapped_column(LargeBinary, default=None)
    confidence: Mapped[float | None] = mapped_column(default=None)
    heard_by: Mapped[str | None] = mapped_column(String(12), default=None)  # channel | recogniser
    heard_at: Mapped[datetime | None] = mapped_column(default=None)


class Notice(Base):
    """What the villager is told without having asked: late answers, news of a case, words of a cadre (with their name)."""

    __tablename__ = "notices"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    conversation: Mapped[str] = mapped_column(String(64), index=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    who: Mapped[str] = mapped_column(String(10), default="bot")  # bot | cadre
    name: Mapped[bytes | None] = mapped_column(LargeBinary, default=None)


@dataclass(frozen=True)
class Line:
    """One line of a conversation as both sides saw it."""

    id: str
    who: str  # villager | bot | cadre
    text: str  # of a voice message, what was understood: perhaps nothing
    at: datetime
    buttons: list[dict[str, str]]
    name: str = ""  # a cadre's
    voice: bool = False
    confidence: float | None = None
    audio: str = ""  # a recording of the section that the answer rests on


def new_id() -> str:
    """An id that sorts by time: 14 hex digits of microseconds, 10 random ones."""
    return f"{time.time_ns() // 1_000:014x}{secrets.token_hex(5)}"


def answer_key(message_id: str) -> str:
    """What names an answer in the outbox."""
    return f"answer:{message_id}"


class Journal:
    """The journal of all channels."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._outbox = Outbox(database, vault)

    def conversation(self, channel: str, sender: str) -> str:
        """The opaque key of a sender on a channel: nobody reads a name or number from it."""
        return self._vault.lookup(f"{channel}:{sender}")[:40]

    def record(
        self,
        conversation: str,
        *,
        text: str = "",
        payload: str = "",
        client_id: str | None = None,
        region: str | None = None,
        source: str = "",
        audio: Audio | None = None,
        heard: Heard | None = None,
        reach: Reach | None = None,
    ) -> tuple[Inbound, dict[str, Any] | None]:
        """Commit a message (see ``channels.message.Said``); gives it with the stored answer if it is a retry that was
        answered already."""
        message_id = new_id()
        body = {"text": text, "payload": payload, "region": region, "source": source, "voice": audio is not None}
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
                if audio is not None:
                    connection.execute(insert(Voice), self._voice_row(message_id, audio, heard))
                if reach is not None:
                    remember(connection, self._vault, conversation, reach)
        except IntegrityError:
            return self._retried(conversation, client_id or message_id)
        return Inbound(message_id, conversation, text, payload, region, voice=audio is not None, source=source), None

    def answered(self, answer: Answer, *, send_after: datetime | None = None, send: bool = False) -> dict[str, Any]:
        """Store an answer beside its message, unless one stands there already; gives the one that stands.

        With ``send`` it goes into the outbox too, in the same transaction: now, or if nobody says by ``send_after`` that it
        arrived by another road (``passed_on``). A conversation without an address is told at its next look.
        """
        said = answer.as_json()
        first = update(InboundRow).where(InboundRow.id == answer.message_id, InboundRow.answer.is_(None))
        with self._database.statement(writes=True) as connection:
            stored = connection.execute(first.values(answer=self._vault.seal_json(said), answered_at=clock.now()))
            if stored.rowcount == 1:
                if send:
                    self._send(connection, answer.message_id, said, send_after)
                return said
            standing = connection.execute(
                select(InboundRow.answer).where(InboundRow.id == answer.message_id)
            ).scalar_one_or_none()
        if standing is None:
            raise LookupError(f"no journalled message {answer.message_id}")
        return dict(self._vault.unseal_json(standing))

    def knows(self, conversation: str, client_id: str) -> bool:
        """Whether a message with this id is journalled already."""
        there = select(InboundRow.id).where(InboundRow.conversation == conversation, InboundRow.client_id == client_id)
        with self._database.statement(writes=False) as connection:
            return connection.execute(there).first() is not None

    def passed_on(self, message_id: str) -> None:
        """An answer has reached its villager by another road than the outbox, or is about to."""
        self._outbox.report_by_key(answer_key(message_id), State.SENT)

    def was_promised(self, message_id: str) -> None:
        """The villager waits for this answer: let it go at once."""
        self._outbox.hurry(answer_key(message_id))

    def answer_of(self, message_id: str) -> dict[str, Any] | None:
        """The answer that stands beside a message, or None where there is none yet."""
        with self._database.statement(writes=False) as connection:
            sealed = connection.execute(select(InboundRow.answer).where(InboundRow.id == message_id)).scalar_one_or_none()
        return None if sealed is None else dict(self._vault.unseal_json(sealed))

    def unanswered(self, before: datetime, limit: int | None = None) -> list[Inbound]:
        """Messages received before a moment and never answered, oldest first."""
        with self._database.read() as session:
            rows = session.scalars(
                select(InboundRow)
                .where(InboundRow.answered_at.is_(None), InboundRow.received_at < before)
                .order_by(InboundRow.id)
                .limit(limit)
            )
            return [self._inbound(row) for row in rows]

    def buttons(self, conversation: str, since: datetime) -> list[Button]:
        """The buttons of the newest answer of a conversation since a moment, those of its last bubble that has some."""
        newest = select(InboundRow.answer).where(InboundRow.conversation == conversation, InboundRow.answered_at > since)
        with self._database.statement(writes=False) as connection:
            sealed = connection.execute(newest.order_by(InboundRow.id.desc()).limit(1)).scalar_one_or_none()
        replies = self._vault.unseal_json(sealed)["replies"] if sealed is not None else []
        offered: list[dict[str, str]] = next((reply["buttons"] for reply in reversed(replies) if reply["buttons"]), [])
        return [Button(button["title"], button["payload"]) for button in offered]

    def forget(self, session: Session, message_ids: list[str]) -> None:
        """Blank messages and what was answered: they were told for a moment only. Their rows stay, so that a retry of
        one is still known; works inside the caller's transaction."""
        session.execute(delete(Voice).where(Voice.message_id.in_(message_ids)))
        for row in session.scalars(select(InboundRow).where(InboundRow.id.in_(message_ids))):
            row.body = self._vault.seal_json({**self._vault.unseal_json(row.body), "text": "", "payload": ""})
            if row.answer is not None:
                row.answer = self._vault.seal_json({**self._vault.unseal_json(row.answer), "replies": [], "sources": []})

    def audio(self, conversation: str, message_id: str) -> Audio:
        """The recording of a conversation's voice message. Raises LookupError."""
        in_it = InboundRow.conversation == conversation
        found = select(Voice).join(InboundRow, InboundRow.id == Voice.message_id).where(Voice.message_id == message_id, in_it)
        with self._database.read() as session:
            row = session.scalars(found).first()
        if row is None:
            raise LookupError(f"no recording {message_id}")
        return Audio(self._vault.unseal_bytes(row.audio), row.media_type)

    def transcript(self, message_id: str) -> Heard | None:
        """What was understood of a voice message, or None where nobody tried or none is known."""
        columns = select(Voice.transcript, Voice.confidence, Voice.heard_by).where(Voice.message_id == message_id)
        with self._database.statement(writes=False) as connection:
            row = connection.execute(columns).one_or_none()
        if row is None or row.transcript is None:
            return None
        return Heard(self._vault.unseal(row.transcript), row.confidence, row.heard_by or "")

    def heard(self, message_id: str, heard: Heard) -> None:
        """Keep what was understood beside the recording."""
        with self._database.statement(writes=True) as connection:
            connection.execute(update(Voice).where(Voice.message_id == message_id).values(**self._heard_columns(heard)))

    def notify(self, conversation: str, text: str, *, cadre: str = "", session: Session | None = None) -> str:
        """Put a line before the villager at the next look; gives its id.

        ``cadre`` names who says it, if not the bot. With a session it happens in that transaction.
        """
        if session is None:
            with self._database.begin() as own:
                return self.notify(conversation, text, cadre=cadre, session=own)
        notice = Notice(
            id=new_id(), conversation=conversation, body=self._vault.seal(text), created_at=clock.now(),
            who="cadre" if cadre else "bot", name=self._vault.seal(cadre) if cadre else None,
        )  # fmt: skip
        session.add(notice)
        reach = reach_of(session.connection(), self._vault, conversation)
        if reach is not None:
            spoken = f"{cadre}：{text}" if cadre else text
            content = {"replies": [{"text": spoken, "buttons": []}]}
            self._outbox.enqueue(session, [Outgoing(f"notice:{notice.id}", reach.channel, reach.to, content)])
        return notice.id

    def lines(self, conversation: str, limit: int = 60, since: str = "") -> list[Line]:
        """The last lines of a conversation, oldest first; none of messages before the id ``since``."""
        of_it = select(InboundRow).where(InboundRow.conversation == conversation, InboundRow.id >= since)
        told = select(Notice).where(Notice.conversation == conversation, Notice.id >= since)
        with self._database.read() as session:
            inbound = list(session.scalars(of_it.order_by(InboundRow.id.desc()).limit(limit)))
            notices = list(session.scalars(told.order_by(Notice.id.desc()).limit(limit)))
            voices = self._transcripts(session, inbound)
        lines = [line for row in inbound for line in self._spoken(row, voices)]
        lines += [self._told(row) for row in notices]
        return sorted(lines, key=lambda line: (line.at, line.id))[-limit:]

    def updates(self, conversation: str, after: str) -> list[dict[str, Any]]:
        """Notices, and answers that came late, since a message id."""
        with self._database.read() as session:
            rows = session.scalars(
                select(Notice).where(Notice.conversation == conversation, Notice.id > after).order_by(Notice.id)
            )
            told = [self._told(row) for row in rows]
        return [
            {"message_id": line.id, "replies": [{"text": line.text, "buttons": []}], "from": {"who": line.who, "name": line.name}}
            for line in told
        ]

    def _send(self, connection: Connection, message_id: str, said: dict[str, Any], send_after: datetime | None) -> None:
        asked = connection.execute(select(InboundRow.conversation).where(InboundRow.id == message_id)).scalar_one()
        reach = reach_of(connection, self._vault, asked)
        if reach is not None and said["replies"]:
            content = {"replies": said["replies"]}
            self._outbox.enqueue(
                connection,
                [Outgoing(answer_key(message_id), reach.channel, reach.to, content, Priority.REPLY, send_after=send_after)],
            )
        if reach is None and said["replies"]:
            at = clock.now()
            told = [
                {"id": new_id(), "conversation": asked, "body": self._vault.seal(reply["text"]), "created_at": at, "who": "bot"}
                for reply in said["replies"]
            ]
            connection.execute(insert(Notice), told)

    def _retried(self, conversation: str, client_id: str) -> tuple[Inbound, dict[str, Any] | None]:
        with self._database.read() as session:
            row = session.scalars(
                select(InboundRow).where(InboundRow.conversation == conversation, InboundRow.client_id == client_id)
            ).one()
            stored = None if row.answer is None else dict(self._vault.unseal_json(row.answer))
            return replace(self._inbound(row), retried=True), stored

    def _inbound(self, row: InboundRow) -> Inbound:
        body = self._vault.unseal_json(row.body)
        return Inbound(
            row.id, row.conversation, body["text"], body["payload"], body["region"], voice=bool(body.get("voice")),
            source=body.get("source", ""),
        )  # fmt: skip

    def _spoken(self, row: InboundRow, voices: dict[str, Heard | None]) -> list[Line]:
        body = self._vault.unseal_json(row.body)
        heard = voices.get(row.id)
        text = heard.text if heard else body["text"]
        sure = heard.confidence if heard else None
        lines = [Line(row.id, "villager", text, row.received_at, [], voice=row.id in voices, confidence=sure)]
        if row.answer is not None and row.answered_at is not None:
            answer = self._vault.unseal_json(row.answer)
            read = answer["sources"][0].get("audio", "") if answer["sources"] else ""
            for place, reply in enumerate(answer["replies"]):
                audio = read if place == 0 else ""
                lines.append(Line(row.id, "bot", reply["text"], row.answered_at, reply["buttons"], audio=audio))
        return [line for line in lines if line.text or line.voice]

    def _told(self, row: Notice) -> Line:
        name = self._vault.unseal(row.name) if row.name else ""
        return Line(row.id, row.who, self._vault.unseal(row.body), row.created_at, [], name)

    def _transcripts(self, session: Session, rows: list[InboundRow]) -> dict[str, Heard | None]:
        """The voice messages among some messages, and what was understood of each."""
        found = session.execute(
            select(Voice.message_id, Voice.transcript, Voice.confidence).where(Voice.message_id.in_([row.id for row in rows]))
        )
        return {
            message_id: Heard(self._vault.unseal(transcript), confidence) if transcript else None
            for message_id, transcript, confidence in found
        }

    def _voice_row(self, message_id: str, audio: Audio, heard: Heard | None) -> dict[str, Any]:
        columns = self._heard_columns(heard) if heard else {}
        sealed = self._vault.seal_bytes(audio.data)
        return {"message_id": message_id, "media_type": audio.media_type, "audio": sealed, **columns}

    def _heard_columns(self, heard: Heard) -> dict[str, Any]:
        return {
            "transcript": self._vault.seal(heard.text), "confidence": heard.confidence, "heard_by": heard.by,
            "heard_at": clock.now(),
        }  # fmt: skip
