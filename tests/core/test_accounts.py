"""Log-in, sessions, and the place an account may see."""

from __future__ import annotations

from datetime import timedelta

import pytest
from argon2 import PasswordHasher

from core import accounts, clock
from core.accounts import LOCK_AFTER, LOCK_FOR, Account, DeskSession, LoginLocked, LoginRefused
from core.database import Database

PASSWORD = "岑溪-2026"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "_hasher", QUICK)
    monkeypatch.setattr(accounts, "_DUMMY", QUICK.hash("nobody"))


@pytest.fixture
def desk(database: Database) -> Database:
    """A database with one cadre."""
    with database.begin() as session:
        accounts.add_account(session, "mo", "莫志明", "village", "450481100201", PASSWORD)
    return database


def attempt(desk: Database, username: str, password: str) -> str | type[Exception]:
    """A log-in as the desk does it: the token, or the refusal; failures are committed."""
    with desk.begin() as session:
        try:
            return accounts.log_in(session, username, password, 12)
        except (LoginRefused, LoginLocked) as error:
            return type(error)


def test_the_right_password_opens_a_session(desk: Database) -> None:
    """A log-in gives a token that leads to the account, and only its hash is stored."""
    token = attempt(desk, "mo", PASSWORD)
    assert isinstance(token, str)
    with desk.read() as session:
        account = accounts.account_of(session, token)
        stored = session.query(DeskSession).one()
    assert account is not None
    assert account.username == "mo"
    assert token not in stored.token_hash


def test_passwords_are_not_stored(desk: Database) -> None:
    """The table holds an argon2 hash in place of the password."""
    with desk.read() as session:
        stored = session.query(Account).one().password_hash
    assert stored.startswith("$argon2id$")
    assert PASSWORD not in stored


@pytest.mark.parametrize(("username", "password"), [("mo", "wrong"), ("mo", ""), ("nobody", PASSWORD), ("", "")])
def test_a_wrong_log_in_is_refused(desk: Database, username: str, password: str) -> None:
    """A wrong password and an unknown name are refused alike."""
    assert attempt(desk, username, password) is LoginRefused


def test_many_failures_lock_the_account(desk: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """After five failures even the right password is refused, and fifteen minutes later it is not."""
    assert [attempt(desk, "mo", "wrong") for _ in range(LOCK_AFTER)] == [LoginRefused] * LOCK_AFTER
    assert attempt(desk, "mo", PASSWORD) is LoginLocked
    later = clock.now() + LOCK_FOR + timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert isinstance(attempt(desk, "mo", PASSWORD), str)


def test_a_success_forgets_the_failures(desk: Database) -> None:
    """Four failures, a success and four failures more lock nobody out."""
    for password in ["wrong"] * 4 + [PASSWORD] + ["wrong"] * 4:
        attempt(desk, "mo", password)
    assert isinstance(attempt(desk, "mo", PASSWORD), str)


def test_a_session_ends(desk: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token is worth nothing after its hours, and the next log-in sweeps it out."""
    token = attempt(desk, "mo", PASSWORD)
    later = clock.now() + timedelta(hours=12, seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    with desk.read() as session:
        assert accounts.account_of(session, str(token)) is None
    attempt(desk, "mo", PASSWORD)
    with desk.read() as session:
        assert session.query(DeskSession).count() == 1


def test_logging_out_ends_one_session(desk: Database) -> None:
    """After a log-out that token is dead, another session of the same cadre lives."""
    first, second = str(attempt(desk, "mo", PASSWORD)), str(attempt(desk, "mo", PASSWORD))
    with desk.begin() as session:
        accounts.log_out(session, first)
    with desk.read() as session:
        assert accounts.account_of(session, first) is None
        assert accounts.account_of(session, second) is not None


def test_an_unknown_token_is_nobody(desk: Database) -> None:
    """An invented token leads to no account."""
    with desk.read() as session:
        assert accounts.account_of(session, "invented") is None
