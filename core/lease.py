"""Leases: of several processes, one does a periodic job. Held in the database, for a time, renewed by the holder."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import String, or_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.database import Base


class Lease(Base):
    """Who does a job, and until when nobody else may."""

    __tablename__ = "leases"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    holder: Mapped[str] = mapped_column(String(40))
    until: Mapped[datetime]


def hold_lease(session: Session, name: str, holder: str, now: datetime, lasts: timedelta) -> bool:
    """Take a lease that is free or ran out, or renew one's own. False while another holds it."""
    mine = update(Lease).where(Lease.name == name, or_(Lease.holder == holder, Lease.until <= now))
    if session.execute(mine.values(holder=holder, until=now + lasts)).rowcount:  # type: ignore[attr-defined]
        return True
    if session.get(Lease, name) is not None:
        return False
    try:
        with session.begin_nested():
            session.add(Lease(name=name, holder=holder, until=now + lasts))
    except IntegrityError:  # another process was quicker
        return False
    return True
