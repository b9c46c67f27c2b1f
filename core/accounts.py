"""Accounts: log-in, sessions, passwords, and the place that each works for."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from sqlalchemy import ForeignKey, LargeBinary, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from core import clock
from core.database import Base
from core.errors import MingbaiError

EDITOR = "editor"  # keeps the sheets, sees no case
LEAST_PASSWORD = 10  # characters
LOCK_AFTER = 5
LOCK_FOR = timedelta(minutes=15)
_hasher = PasswordHasher()
_DUMMY = _hasher.hash(secrets.token_hex(8))  # unknown names cost as much time as known ones


class LoginRefused(MingbaiError):
    """用户名或密码不对。"""


class LoginLocked(MingbaiError):
    """输错太多次了，请15分钟后再试。"""


class PasswordRefused(MingbaiError):
    """新密码至少10位，不能和旧密码、用户名一样；旧密码要填对。"""


class Account(Base):
    """Somebody who logs in. ``region`` is the code of the place that they work for, with everything below it; what they may
    do there follows from ``role`` (core.rights). ``unit`` is a department's; ``named``: may see cases of violence."""

    __tablename__ = "accounts"
    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(40))
    role: Mapped[str] = mapped_column(String(20))
    region: Mapped[str] = mapped_column(String(12))
    password_hash: Mapped[str] = mapped_column(String(120))
    demo: Mapped[bool] = mapped_column(default=False)
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None] = mapped_column(default=None)
    unit: Mapped[str] = mapped_column(String(20), default="")
    named: Mapped[bool] = mapped_column(default=False)
    phone: Mapped[bytes | None] = mapped_column(LargeBinary, default=None)  # E.164, sealed
    active: Mapped[bool] = mapped_column(default=True)
    must_change: Mapped[bool] = mapped_column(default=False)  # the password was given out by somebody else
    second_factor: Mapped[bool] = mapped_column(default=False)
    totp_secret: Mapped[bytes | None] = mapped_column(LargeBinary, default=None)
    totp_step: Mapped[int] = mapped_column(default=0)  # the half minute of the last code that was taken

    @property
    def is_editor(self) -> bool:
        return self.role == EDITOR


class DeskSession(Base):
    """A log-in. Only the hash of its token is stored. Not ``verified`` while the second factor is missing."""

    __tablename__ = "desk_sessions"
    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime]
    verified: Mapped[bool] = mapped_column(default=True)
    account: Mapped[Account] = relationship()


def add_account(
    session: Session, username: str, name: str, role: str, region: str, password: str, *, demo: bool = False, unit: str = ""
) -> Account:
    account = Account(
        username=username, name=name, role=role, region=region, demo=demo, unit=unit, password_hash=_hasher.hash(password)
    )
    session.add(account)
    return account


def log_in(session: Session, username: str, password: str, hours: int) -> str:
    """A fresh session token. Raises LoginLocked, LoginRefused; failures are counted, so commit in both cases."""
    account = session.scalar(select(Account).where(Account.username == username).with_for_update())
    if account is not None and is_locked(account):
        raise LoginLocked
    try:
        _hasher.verify(account.password_hash if account else _DUMMY, password)
    except VerifyMismatchError:
        if account is not None:
            count_failure(account)
        raise LoginRefused from None
    if account is None or not account.active:
        raise LoginRefused
    account.failures, account.locked_until = 0, None
    session.execute(delete(DeskSession).where(DeskSession.expires_at < clock.now()))
    token = secrets.token_urlsafe(32)
    expires_at = clock.now() + timedelta(hours=hours)
    row = DeskSession(token_hash=_digest(token), account_id=account.id, expires_at=expires_at, verified=not account.second_factor)
    session.add(row)
    return token


def session_of(session: Session, token: str) -> DeskSession | None:
    """The log-in of a token, perhaps without its second factor yet; None where it ran out or the account was stopped."""
    row = session.get(DeskSession, _digest(token))
    return row if row is not None and row.expires_at > clock.now() and row.account.active else None


def account_of(session: Session, token: str) -> Account | None:
    """Who is logged in with a token, completely, or None."""
    row = session_of(session, token)
    return row.account if row is not None and row.verified else None


def change_password(session: Session, account: Account, old: str, new: str, keep: str = "") -> None:
    """A new password of one's own; every other log-in of the account ends, ``keep`` is the token of this one.

    Raises PasswordRefused; a wrong old password counts as a failed log-in, so commit in both cases.
    """
    session.refresh(account, with_for_update=True)
    if is_locked(account):
        raise PasswordRefused
    try:
        _hasher.verify(account.password_hash, old)
    except VerifyMismatchError:
        count_failure(account)
        raise PasswordRefused from None
    if len(new) < LEAST_PASSWORD or new in (old, account.username):
        raise PasswordRefused
    account.password_hash, account.must_change, account.failures = _hasher.hash(new), False, 0
    others = delete(DeskSession).where(DeskSession.account_id == account.id, DeskSession.token_hash != _digest(keep))
    session.execute(others)


def reset_password(session: Session, account: Account) -> str:
    """A password to be handed over once: it must be changed at the next log-in, and a new phone may be enrolled."""
    password = secrets.token_urlsafe(9)
    account.password_hash, account.must_change = _hasher.hash(password), True
    account.failures, account.locked_until, account.totp_secret, account.totp_step = 0, None, None, 0
    if account.id is not None:
        session.execute(delete(DeskSession).where(DeskSession.account_id == account.id))
    return password


def log_out(session: Session, token: str) -> None:
    session.execute(delete(DeskSession).where(DeskSession.token_hash == _digest(token)))


def is_locked(account: Account) -> bool:
    return account.locked_until is not None and account.locked_until > clock.now()


def count_failure(account: Account) -> None:
    account.failures += 1
    if account.failures >= LOCK_AFTER:
        account.failures, account.locked_until = 0, clock.now() + LOCK_FOR


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
