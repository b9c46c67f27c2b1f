"""What the assistant remembers: a conversation's last question, an open report's draft, effects done, questions missed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock
from core.crypto import Vault
from core.database import Base


class Conversation(Base):
    """One sender on one channel. ``last`` is the sealed last question, ``draft`` the sealed open report,
    ``precheck`` the sealed open pre-check, which is forgotten at ``precheck_until``.

    ``draft_region`` is the place of an unfiled draft that says where and what: if it stays unfinished, cadres there see it.
    """

    __tablename__ = "conversations"
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    region: Mapped[str | None] = mapped_column(String(12), default=None)
    last: Mapped[bytes | None] = mapped_column(LargeBinary, default=None)
    last_at: Mapped[datetime | None] = mapped_column(default=None)
    draft: Mapped[bytes | None] = mapped_column(LargeBinary, default=None)
    draft_region: Mapped[str | None] = mapped_column(String(12), index=True, default=None)
    draft_at: Mapped[datetime | None] = mapped_column(default=None)
    precheck: Mapped[bytes | None] = mapped_column(LargeBinary, default=None)
    precheck_until: Mapped[datetime | None] = mapped_column(index=True, default=None)
    texts_wanted: Mapped[bool | None] = mapped_column(default=None)  # broadcasts
    notices_wanted: Mapped[bool | None] = mapped_column(default=None)  # news of one's own report, asked for unless refused
    updated_at: Mapped[datetime]


class Effect(Base):
    """An effect that was carried out, keyed by message and action, with what came of it."""

    __tablename__ = "effects"
    message_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    action: Mapped[str] = mapped_column(String(40), primary_key=True)
    result: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime]


class Unanswered(Base):
    """A question that was declined, for the editor."""

    __tablename__ = "unanswered"
    id: Mapped[int] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(String(12))
    question: Mapped[bytes] = mapped_column(LargeBinary)
    nearest: Mapped[str] = mapped_column(String(80))
    confidence: Mapped[float]
    at: Mapped[datetime]
    settled_at: Mapped[datetime | None] = mapped_column(default=None, index=True)
    settled_by: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"), default=None)
    settled_as: Mapped[str | None] = mapped_column(String(10), default=None)  # asked | draft | golden | dismissed


class StatusTry(Base):
    """A try to read a report's state by number and phone that failed; ``number`` as told, whether there is such a case or not."""

    __tablename__ = "status_tries"
    id: Mapped[int] = mapped_column(primary_key=True)
    conversation: Mapped[str] = mapped_column(String(64), index=True)
    number: Mapped[str] = mapped_column(String(12), index=True)
    at: Mapped[datetime]


def conversation_row(session: Session, key: str) -> Conversation:
    """The row of a conversation, made when there is none; locked where the database can lock."""
    row = session.scalars(select(Conversation).where(Conversation.key == key).with_for_update()).first()
    if row is None:
        row = Conversation(key=key, updated_at=clock.now())
        session.add(row)
        session.flush()
    row.updated_at = clock.now()
    return row


def once(session: Session, vault: Vault, message_id: str, action: str, effect: Callable[[], Any]) -> Any:
    """Carry an effect out, or give what it gave when this message's action was carried out before.

    Rasa saves its tracker after all actions: killed in between, it runs them again for the retried message.
    """
    row = session.get(Effect, (message_id, action))
    if row is not None:
        return vault.unseal_json(row.result)
    result = effect()
    session.add(Effect(message_id=message_id, action=action, result=vault.seal_json(result), at=clock.now()))
    return result


def wants_notices(session: Session, key: str) -> bool:
    """Whether a sender wants news of their own report: everybody who has not refused it."""
    row = session.get(Conversation, key)
    return row is None or row.notices_wanted is not False
