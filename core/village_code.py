"""一码通: the QR codes on posters. The printed address is our own (``/c/<token>``), so a poster outlives any account.

A code belongs to a village, counts its scans, and can be revoked and replaced: a poster that was pasted over or carried
elsewhere leads nowhere any more.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ForeignKey, String, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock
from core.database import Base
from core.errors import MingbaiError
from core.rights import below

ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that is mistaken for another when it is typed off a poster
LENGTH = 8


class NoSuchCode(MingbaiError):
    """没有这个码，或者不在您的辖区。"""


class VillageCode(Base):
    """One code. Of a village's codes one at most is not revoked."""

    __tablename__ = "village_codes"
    token: Mapped[str] = mapped_column(String(LENGTH), primary_key=True)
    village: Mapped[str] = mapped_column(String(12), index=True)
    created_at: Mapped[datetime]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"), default=None)
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)
    scans: Mapped[int] = mapped_column(default=0)
    scanned_at: Mapped[datetime | None] = mapped_column(default=None)


def issue(session: Session, villages: Iterable[str], by: int | None = None) -> list[VillageCode]:
    """A code for each village that has none in force; gives the new ones."""
    wanted = list(dict.fromkeys(villages))
    have = set(session.scalars(select(VillageCode.village).where(VillageCode.revoked_at.is_(None))))
    now = clock.now()
    new = [
        VillageCode(token=_token(), village=village, created_at=now, created_by=by, scans=0)
        for village in wanted
        if village not in have
    ]
    session.add_all(new)
    session.flush()
    return new


def revoke(session: Session, token: str) -> VillageCode:
    """The code leads nowhere from now on. Raises NoSuchCode, also for one that is revoked already."""
    code = session.get(VillageCode, token)
    if code is None or code.revoked_at is not None:
        raise NoSuchCode
    code.revoked_at = clock.now()
    session.flush()
    return code


def reissue(session: Session, token: str, by: int | None = None) -> VillageCode:
    """Another code in the place of one. Raises NoSuchCode."""
    village = revoke(session, token).village
    return issue(session, [village], by)[0]


def codes_below(session: Session, place: str) -> list[VillageCode]:
    """The codes in force of a place and everything below it, by village."""
    found = select(VillageCode).where(VillageCode.revoked_at.is_(None), below(VillageCode.village, place))
    return list(session.scalars(found.order_by(VillageCode.village)))


def code_of(session: Session, token: str) -> VillageCode | None:
    """A code, revoked or not; None for what never was one."""
    return session.get(VillageCode, token) if len(token) == LENGTH else None


def scanned(session: Session, token: str) -> None:
    """Count a scan. Who scanned is not kept."""
    row = update(VillageCode).where(VillageCode.token == token)
    session.execute(row.values(scans=VillageCode.scans + 1, scanned_at=clock.now()))


def _token() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
