"""Complaints of cadres and offices: each goes to the level above the one complained of, and nobody at or below sees it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, Select, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock
from core.accounts import Account
from core.crypto import Vault
from core.database import Base
from core.errors import MingbaiError
from core.rights import within

STATES = {"received": "待处理", "accepted": "已接手"}
ABOVE = {12: 9, 9: 6, 6: 4}  # digits of a division code, and of the one above it


class NoSuchComplaint(MingbaiError):
    """没有这件投诉，或者不归您看。"""


class Complaint(Base):
    """``about`` is the place whose office is complained of; ``to_region`` the place above, whose cadres may see it."""

    __tablename__ = "complaints"
    id: Mapped[int] = mapped_column(primary_key=True)
    about: Mapped[str] = mapped_column(String(12))
    to_region: Mapped[str] = mapped_column(String(12), index=True)
    conversation: Mapped[str] = mapped_column(String(64), index=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(String(12), default="received")
    created_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None] = mapped_column(default=None)
    accepted_by: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"), default=None)


class Complaints:
    """The complaints of a county. Every method works inside the caller's transaction."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def record(self, session: Session, conversation: str, about: str, to: str, text: str) -> Complaint:
        """A new complaint about the office of a place (empty: we do not know which), for the cadres of the place above."""
        complaint = Complaint(
            about=about, to_region=to, conversation=conversation, body=self._vault.seal(text), created_at=clock.now(),
            state="received",
        )  # fmt: skip
        session.add(complaint)
        session.flush()
        return complaint

    def text(self, complaint: Complaint) -> str:
        return self._vault.unseal(complaint.body)

    def visible(self, session: Session, account: Account) -> list[Complaint]:
        """What an account may see: those addressed to its level or to one below it. Open before taken up, newest first."""
        return list(session.scalars(_visible(account).order_by(Complaint.state != "received", Complaint.id.desc())))

    def waiting(self, session: Session, account: Account) -> int:
        """How many of those nobody has taken up."""
        waiting = _visible(account).where(Complaint.state == "received").subquery()
        return int(session.scalar(select(func.count()).select_from(waiting)) or 0)

    def accept(self, session: Session, account: Account, complaint_id: int) -> Complaint | None:
        """Take a complaint up; None when somebody did before. Raises NoSuchComplaint, also for what the account may not see."""
        complaint = session.scalars(_visible(account).where(Complaint.id == complaint_id).with_for_update()).first()
        if complaint is None:
            raise NoSuchComplaint
        if complaint.state != "received":
            return None
        complaint.state, complaint.accepted_at, complaint.accepted_by = "accepted", clock.now(), account.id
        return complaint

    def take_back(self, session: Session, conversation: str, complaint_id: int) -> bool:
        """Who complained takes it back before anybody took it up. Nobody else can."""
        complaint = session.get(Complaint, complaint_id)
        if complaint is None or complaint.conversation != conversation or complaint.state != "received":
            return False
        session.delete(complaint)
        return True


def above(code: str) -> str:
    """The division above a place: village → township → county → city. Raises KeyError for what is none of these."""
    return code[: ABOVE[len(code)]]


def _visible(account: Account) -> Select[Complaint]:
    # the account's own place is the addressee's or above it: whoever is complained of stands below
    return select(Complaint).where(within(account, Complaint.to_region))
