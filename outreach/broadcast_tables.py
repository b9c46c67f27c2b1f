"""The tables of broadcasts: what was written, what was signed, and one row for each recipient."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, ForeignKey, Index, String, Text, literal_column, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base


class Fate(StrEnum):
    """Where the text to one recipient is; every recipient is in exactly one."""

    WAITING = "waiting"
    QUEUED = "queued"  # in the outbox
    SENT = "sent"  # the carrier has it
    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"  # the carrier may have it; never sent again
    CANCELLED = "cancelled"  # stopped before it was sent
    EXCLUDED = "excluded"  # in the audience, but not to be texted


class BroadcastRow(Base):
    """One broadcast. Money in 1/1000 yuan. ``outbox_order``: what the outbox still has to be told (hold, release, drop)."""

    __tablename__ = "broadcasts"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(60))
    sheet: Mapped[str] = mapped_column(String(40), default="")
    region: Mapped[str] = mapped_column(String(12))  # of the author
    author_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    status: Mapped[str] = mapped_column(String(10), index=True)
    reason: Mapped[str] = mapped_column(String(80), default="")
    wording: Mapped[str] = mapped_column(Text)
    audience: Mapped[str] = mapped_column(String(1000))  # JSON of outreach.audience.Filter
    mandatory: Mapped[bool] = mapped_column(default=False)
    start_at: Mapped[datetime | None] = mapped_column(default=None)
    signatures_needed: Mapped[int] = mapped_column(default=1)
    price: Mapped[int]
    budget: Mapped[int]
    cost: Mapped[int] = mapped_column(default=0)
    spent: Mapped[int] = mapped_column(default=0)
    recipients: Mapped[int] = mapped_column(default=0)
    digest: Mapped[str] = mapped_column(String(64), default="")
    outbox_order: Mapped[str] = mapped_column(String(8), default="")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class SignatureRow(Base):
    """Somebody stands for a broadcast as it was frozen."""

    __tablename__ = "broadcast_signatures"
    broadcast_id: Mapped[int] = mapped_column(ForeignKey("broadcasts.id", ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]


class WordingRow(Base):
    """The text that the people of one village get, and the parts that it is billed as."""

    __tablename__ = "broadcast_wordings"
    broadcast_id: Mapped[int] = mapped_column(ForeignKey("broadcasts.id", ondelete="CASCADE"), primary_key=True)
    region: Mapped[str] = mapped_column(String(12), primary_key=True)
    said: Mapped[str] = mapped_column(Text)
    parts: Mapped[int]


class DeliveryRow(Base):
    """The text to one contact. ``attempt`` grows when a failed one is tried again."""

    __tablename__ = "broadcast_deliveries"
    broadcast_id: Mapped[int] = mapped_column(ForeignKey("broadcasts.id", ondelete="CASCADE"), primary_key=True)
    contact_id: Mapped[int] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(String(12))
    fate: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(40), default="")
    attempt: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        Index("ix_broadcast_deliveries_funnel", "broadcast_id", "region", "fate"),
        Index(
            "ix_broadcast_deliveries_waiting", "broadcast_id", "contact_id",
            sqlite_where=text("fate = 'waiting'"), postgresql_where=text("fate = 'waiting'"),
        ),
        Index(
            "ix_broadcast_deliveries_queued", "broadcast_id", "contact_id",
            sqlite_where=text("fate = 'queued'"), postgresql_where=text("fate = 'queued'"),
        ),
    )  # fmt: skip


def is_fate(fate: Fate) -> ColumnElement[bool]:
    """The condition spelt as the partial indexes are: a database uses one only if it sees that the condition implies it."""
    named: ColumnElement[str] = literal_column(f"'{fate}'")
    condition: ColumnElement[bool] = DeliveryRow.fate == named
    return condition


class AwarenessRow(Base):
    """Whether somebody knew of a policy when they were asked. The last word counts."""

    __tablename__ = "awareness"
    contact_id: Mapped[int] = mapped_column(ForeignKey("outreach_contacts.id", ondelete="CASCADE"), primary_key=True)
    sheet: Mapped[str] = mapped_column(String(40), primary_key=True)
    knew: Mapped[bool]
    region: Mapped[str] = mapped_column(String(12))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"), default=None)
    at: Mapped[datetime]
    __table_args__ = (Index("ix_awareness_sheet", "sheet", "region", "knew"),)
