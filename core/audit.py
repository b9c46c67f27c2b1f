"""The audit log: who looked at whom and who changed what. Append-only, each row chained to the one before it.

Rows hold ids, never names or words: a person can be erased and the log stays true. The chain is keyed, so whoever can
write to the database but has not the key cannot make a row that fits. Cutting off the end is found with the head that
the auditor noted down (``mingbai audit head``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Index, String, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock
from core.crypto import Vault
from core.database import Base

START = "0" * 64  # the digest before the first row
_BATCH = 1000


class AuditEntry(Base):
    """One deed. ``actor`` is an account's id, or None for the system itself. The database refuses to change a row."""

    __tablename__ = "audit_entries"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[int | None]
    verb: Mapped[str] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(20))  # of what: case, cases, complaint, account, ledger …
    subject: Mapped[str] = mapped_column(String(40))  # its id
    detail: Mapped[str] = mapped_column(String(200))  # ids and names of fields or steps
    digest: Mapped[str] = mapped_column(String(64))
    __table_args__ = (Index("ix_audit_entries_subject", "kind", "subject"),)


class AuditHead(Base):
    """The end of the chain; its one row is locked while a row is added."""

    __tablename__ = "audit_head"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))


@dataclass(frozen=True)
class Verdict:
    """How a check of the chain ended: how many rows fit, and what is wrong with the next one, if anything."""

    entries: int
    fault: str = ""

    @property
    def is_sound(self) -> bool:
        return not self.fault


class Audit:
    """The log. Every method works inside the caller's transaction: a deed and its row are committed together."""

    def __init__(self, vault: Vault, now: Callable[[], datetime] = clock.now) -> None:
        self._vault, self._now = vault, now

    def record(self, session: Session, actor: int | None, verb: str, kind: str, subject: int | str, detail: str = "") -> None:
        """Add a row. Writers queue for the end of the chain until they commit, so record last."""
        head = self._locked_head(session)
        entry = AuditEntry(
            id=head.last + 1, at=self._now(), actor=actor, verb=verb, kind=kind, subject=str(subject)[:40], detail=detail[:200],
            digest="",
        )  # fmt: skip
        entry.digest = self._digest(entry, head.digest)
        session.add(entry)
        head.last, head.digest = entry.id, entry.digest
        session.flush()

    def head(self, session: Session) -> tuple[int, str]:
        """Number and digest of the last row: what the auditor notes down."""
        head = session.get(AuditHead, 1)
        return (head.last, head.digest) if head is not None else (0, START)

    def verify(self, session: Session, known: tuple[int, str] | None = None) -> Verdict:
        """Go through the whole chain. ``known``: a head noted earlier, which must still stand in it."""
        previous, count = START, 0
        for entry in self._in_order(session):
            if entry.id != count + 1:
                return Verdict(count, f"row {count + 1} is missing")
            if entry.digest != self._digest(entry, previous):
                return Verdict(count, f"row {entry.id} was changed")
            previous, count = entry.digest, entry.id
            if known is not None and known[0] == count and known[1] != previous:
                return Verdict(count - 1, f"row {count} is not the one that was noted")
        if self.head(session) != (count, previous):
            return Verdict(count, f"the end was cut off after row {count}")
        if known is not None and known[0] > count:
            return Verdict(count, f"row {known[0]} was noted and is gone")
        return Verdict(count)

    def of(self, session: Session, kind: str, subject: int | str, limit: int = 200) -> list[AuditEntry]:
        """What was done to one thing, newest first, at most ``limit`` rows."""
        mine = select(AuditEntry).where(AuditEntry.kind == kind, AuditEntry.subject == str(subject))
        return list(session.scalars(mine.order_by(AuditEntry.id.desc()).limit(limit)))

    def newest(self, session: Session, limit: int) -> list[AuditEntry]:
        """The last rows, newest first."""
        return list(session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)))

    @staticmethod
    def _in_order(session: Session) -> Iterator[AuditEntry]:
        """All rows, a batch in memory at a time."""
        last = 0
        while True:
            after = select(AuditEntry).where(AuditEntry.id > last).order_by(AuditEntry.id).limit(_BATCH)
            batch = session.scalars(after).all()
            yield from batch
            if not batch:
                return
            last = batch[-1].id
            session.expunge_all()

    @staticmethod
    def _locked_head(session: Session) -> AuditHead:
        locked = select(AuditHead).where(AuditHead.id == 1).with_for_update().execution_options(populate_existing=True)
        head = session.scalars(locked).first()
        if head is None:
            try:
                with session.begin_nested():
                    session.add(AuditHead(id=1, last=0, digest=START))
            except IntegrityError:  # another process wrote the first row
                pass
            head = session.scalars(locked).one()
        return head

    def _digest(self, entry: AuditEntry, previous: str) -> str:
        at = clock.as_utc(entry.at).isoformat(timespec="microseconds")
        row = [entry.id, at, entry.actor, entry.verb, entry.kind, entry.subject, entry.detail, previous]
        return self._vault.lookup("audit:" + json.dumps(row, ensure_ascii=False))
