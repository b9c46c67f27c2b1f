"""The tables of contacts, imports and consent. Built so that an audience among millions is counted in one narrow index."""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base


class Hold(IntEnum):
    """Why a contact gets no broadcast; the highest that holds counts."""

    NONE = 0
    NO_PHONE = 1
    OPTED_OUT = 2
    GONE = 3  # no longer on the list; kept for what was sent before


class ContactRow(Base):
    """One person on the list. ``sealed``: name and number; ``address`` is the keyed hash of the number, the same as the key
    of the conversation that is held from it; ``household`` that of the household. Days count from 1970-01-01, 0 is never."""

    __tablename__ = "outreach_contacts"
    id: Mapped[int] = mapped_column(primary_key=True)
    person: Mapped[bytes] = mapped_column(LargeBinary(16), unique=True)
    address: Mapped[bytes | None] = mapped_column(LargeBinary(20))
    household: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    region: Mapped[str] = mapped_column(String(12))
    categories: Mapped[int]  # bits: outreach.categories
    hold: Mapped[int]
    shared: Mapped[bool] = mapped_column(default=False)  # others have the same number
    messaged_day: Mapped[int] = mapped_column(default=0)
    reached_day: Mapped[int] = mapped_column(default=0)
    replied_day: Mapped[int] = mapped_column(default=0)
    language: Mapped[str] = mapped_column(String(20), default="")
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    first_import: Mapped[int] = mapped_column(default=0)
    last_import: Mapped[int] = mapped_column(default=0)

    # ``hold`` first: an audience is the rows with 0 in a range of regions, and all that a filter asks lies in the index
    __table_args__ = (
        Index(
            "ix_outreach_contacts_audience",
            *("hold", "region", "categories", "messaged_day", "reached_day", "replied_day", "shared"),
        ),
        Index("ix_outreach_contacts_address", "address"),
    )  # fmt: skip


class StagedRow(Base):
    """A row of a list that was read and is not yet merged into the contacts."""

    __tablename__ = "outreach_staged"
    import_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    person: Mapped[bytes] = mapped_column(LargeBinary(16))
    address: Mapped[bytes | None] = mapped_column(LargeBinary(20))
    household: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    region: Mapped[str] = mapped_column(String(12))
    categories: Mapped[int]
    hold: Mapped[int]
    language: Mapped[str] = mapped_column(String(20))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class ImportRow(Base):
    """One list that was handed in. ``rows`` were read, ``slices`` merged; after a stop it goes on behind them."""

    __tablename__ = "outreach_imports"
    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    region: Mapped[str] = mapped_column(String(12))  # rows outside are refused
    name: Mapped[str] = mapped_column(String(120))
    mapping: Mapped[str] = mapped_column(String(1000), default="")  # JSON: field -> number of the column
    mode: Mapped[str] = mapped_column(String(10), default="add")
    state: Mapped[str] = mapped_column(String(10))  # new | running | done | failed | given_up
    total: Mapped[int] = mapped_column(default=0)
    rows: Mapped[int] = mapped_column(default=0)
    slices: Mapped[int] = mapped_column(default=0)
    added: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    same: Mapped[int] = mapped_column(default=0)
    gone: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
    doubtful: Mapped[int] = mapped_column(default=0)
    remarks_bytes: Mapped[int] = mapped_column(default=0)  # length of the file of remarks that belongs to ``rows``
    problem: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class ConsentRow(Base):
    """One word on whether somebody wants broadcasts. Rows are only added. ``said`` is the sealed text."""

    __tablename__ = "outreach_consents"
    id: Mapped[int] = mapped_column(primary_key=True)
    address: Mapped[bytes] = mapped_column(LargeBinary(20), index=True)
    wanted: Mapped[bool]
    channel: Mapped[str] = mapped_column(String(20))
    how: Mapped[str] = mapped_column(String(20))
    said: Mapped[bytes] = mapped_column(LargeBinary)
    basis: Mapped[str] = mapped_column(String(80))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"), default=None)
    at: Mapped[datetime]


class OptOutRow(Base):
    """An address that gets no broadcasts now."""

    __tablename__ = "outreach_opt_outs"
    address: Mapped[bytes] = mapped_column(LargeBinary(20), primary_key=True)
    since: Mapped[datetime]


class LinkRow(Base):
    """Another channel of a person on the list: the conversation there is theirs too."""

    __tablename__ = "outreach_links"
    address: Mapped[bytes] = mapped_column(LargeBinary(20), primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("outreach_contacts.id", ondelete="CASCADE"), index=True)


class MergeRow(Base):
    """Two entries that are one person: ``gone`` is off the list since, and comes back when the merge is undone."""

    __tablename__ = "outreach_merges"
    gone: Mapped[int] = mapped_column(ForeignKey("outreach_contacts.id"), primary_key=True, autoincrement=False)
    kept: Mapped[int] = mapped_column(ForeignKey("outreach_contacts.id"), index=True)
    hold_before: Mapped[int]
    categories_before: Mapped[int]  # of the kept one
    at: Mapped[datetime]
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
