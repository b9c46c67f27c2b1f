"""Cadres' accounts: log-in, sessions, and the place each may see."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from sqlalchemy import ForeignKey, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from core import clock
from core.database import Base
from core.errors import MingbaiError

EDITOR = "editor"  # keeps the sheets, sees no case
LOCK_AFTER = 5
LOCK_FOR = timedelta(minutes=15)
_hasher = PasswordHasher()
_DUMMY = _hasher.hash(secrets.token_hex(8))  # unknown names cost as much time as known ones


class LoginRefused(MingbaiError):
    """用户名或密码不对。"""


class LoginLocked(MingbaiError):
    """输错太多次了，请15分钟后再试。"""


class Account(Base):
    """A cadre or an editor of sheets. ``region`` is the code of the place that they work for, with everything below it:
    a cadre sees its cases, an editor none."""

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

    @property
    def is_editor(self) -> bool:
        return self.role == EDITOR

    def may_see(self, code: str) -> bool:
        """Whether the people and cases of a place are this account's business: never an editor's."""
        return not self.is_editor and code.startswith(self.region)


class DeskSession(Base):
    """A log-in. Only the hash of its token is stored."""

    __tablename__ = "desk_sessions"
    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime]
    account: Mapped[Account] = relationship()


def add_account(
    session: Session, username: str, name: str, role: str, region: str, password: str, *, demo: bool = False
) -> Account:
    account = Account(username=username, name=name, role=role, region=region, demo=demo, password_hash=_hasher.hash(password))
    session.add(account)
    return account


def log_in(session: Session, username: str, password: str, hours: int) -> str:
    """A fresh session token. Raises LoginLocked, LoginRefused; failures are counted, so commit in both cases."""
    account = session.scalar(select(Account).where(Account.username == username).with_for_update())
    if account is not None and account.locked_until and account.locked_until > clock.now():
        raise LoginLocked
    try:
        _hasher.verify(account.password_hash if account else _DUMMY, password)
    except VerifyMismatchError:
        if account is not None:
            _count_failure(account)
        raise LoginRefused from None
    if account is None:
        raise LoginRefused
    account.failures, account.locked_until = 0, None
    session.execute(delete(DeskSession).where(DeskSession.expires_at < clock.now()))
    token = secrets.token_urlsafe(32)
    session.add(DeskSession(token_hash=_digest(token), account_id=account.id, expires_at=clock.now() + timedelta(hours=hours)))
    return token


def account_of(session: Session, token: str) -> Account | None:
    """Who is logged in with a token, or None."""
    row = session.get(DeskSession, _digest(token))
    return row.account if row is not None and row.expires_at > clock.now() else None


def log_out(session: Session, token: str) -> None:
    session.execute(delete(DeskSession).where(DeskSession.token_hash == _digest(token)))


def _count_failure(account: Account) -> None:
    account.failures += 1
    if account.failures >= LOCK_AFTER:
        account.failures, account.locked_until = 0, clock.now() + LOCK_FOR


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
