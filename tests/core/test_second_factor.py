"""The second factor: a code completes a log-in, once, and guessing locks."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pyotp
import pytest
from argon2 import PasswordHasher

from core import accounts
from core.accounts import LOCK_AFTER, Account, LoginRefused, PasswordRefused
from core.crypto import Vault
from core.database import Database
from core.second_factor import WrongCode, address_for, confirm_code, offer_secret

NOW = datetime(2026, 11, 24, 8, tzinfo=timezone.utc)


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(accounts, "_hasher", quick)
    monkeypatch.setattr(accounts, "_DUMMY", quick.hash("nobody"))


@pytest.fixture
def county(database: Database, vault: Vault) -> tuple[str, str]:
    """Somebody of the county who has given the password: their token, and the secret of their phone."""
    with database.begin() as session:
        account = accounts.add_account(session, "c", "李某", "county", "450481", "a long password")
        account.second_factor = True
        secret = offer_secret(vault, account)
    with database.begin() as session:
        return accounts.log_in(session, "c", "a long password", 12), secret


def confirm(database: Database, vault: Vault, token: str, code: str, now: datetime = NOW) -> bool:
    """Whether a code is taken, committed either way."""
    with database.begin() as session:
        row = accounts.session_of(session, token)
        try:
            confirm_code(session, vault, row, code, now)
        except WrongCode:
            return False
    return True


def test_the_password_alone_opens_nothing(database: Database, vault: Vault, county: tuple[str, str]) -> None:
    """Without the code nobody is logged in; with it they are."""
    token, secret = county
    with database.read() as session:
        assert accounts.account_of(session, token) is None
        assert secret in address_for(secret, session.query(Account).one())
    assert not confirm(database, vault, token, "000000")
    assert confirm(database, vault, token, pyotp.TOTP(secret).at(NOW))
    with database.read() as session:
        assert accounts.account_of(session, token).username == "c"


def test_a_code_counts_once(database: Database, vault: Vault, county: tuple[str, str]) -> None:
    """Who looked over a shoulder cannot use the code again; the next one is good, one of a minute ago is not."""
    token, secret = county
    totp = pyotp.TOTP(secret)
    assert confirm(database, vault, token, totp.at(NOW))
    assert not confirm(database, vault, token, totp.at(NOW))
    assert confirm(database, vault, token, totp.at(NOW + timedelta(seconds=30)), NOW + timedelta(seconds=45))
    assert not confirm(database, vault, token, totp.at(NOW), NOW + timedelta(seconds=60))


@pytest.mark.parametrize("code", ["", "12345", "abcdef", "一二三四五六", "0" * 400])
def test_guessing_locks(database: Database, vault: Vault, county: tuple[str, str], code: str) -> None:
    """Five wrong codes lock the account: the right one is refused too."""
    token, secret = county
    assert not any(confirm(database, vault, token, code) for _ in range(LOCK_AFTER))
    assert not confirm(database, vault, token, pyotp.TOTP(secret).now(), datetime.now(timezone.utc))


def test_a_password_is_changed(database: Database) -> None:
    """The new one works, the old one does not, and other log-ins are over."""
    with database.begin() as session:
        account = accounts.add_account(session, "mo", "莫某", "village", "450481100201", "a long password")
        account.must_change = True
    with database.begin() as session:
        here, elsewhere = (accounts.log_in(session, "mo", "a long password", 12) for _ in range(2))
    with database.begin() as session:
        account = accounts.account_of(session, here)
        accounts.change_password(session, account, "a long password", "another password", here)
    with database.begin() as session:
        assert accounts.account_of(session, elsewhere) is None
        assert not accounts.account_of(session, here).must_change
        accounts.log_in(session, "mo", "another password", 12)
        with pytest.raises(LoginRefused):
            accounts.log_in(session, "mo", "a long password", 12)


@pytest.mark.parametrize(("old", "new"), [("wrong", "another password"), ("a long password", "short"), ("a long password",) * 2])
def test_a_bad_new_password_is_refused(database: Database, old: str, new: str) -> None:
    """A wrong old password, a short new one, and the same again."""
    with database.begin() as session:
        account = accounts.add_account(session, "mo", "莫某", "village", "450481100201", "a long password")
        session.flush()
        with pytest.raises(PasswordRefused):
            accounts.change_password(session, account, old, new)


def test_who_was_stopped_is_out(database: Database) -> None:
    """An account that was stopped can neither log in nor go on."""
    with database.begin() as session:
        account = accounts.add_account(session, "mo", "莫某", "village", "450481100201", "a long password")
    with database.begin() as session:
        token = accounts.log_in(session, "mo", "a long password", 12)
        session.get(Account, account.id).active = False
    with database.begin() as session:
        assert accounts.account_of(session, token) is None
        with pytest.raises(LoginRefused):
            accounts.log_in(session, "mo", "a long password", 12)


def test_a_reset_is_for_one_log_in(database: Database, county: tuple[str, str]) -> None:
    """A password given out again must be changed, ends every log-in, and forgets the phone."""
    token, _ = county
    with database.begin() as session:
        account = session.query(Account).one()
        password = accounts.reset_password(session, account)
        assert (account.must_change, account.totp_secret) == (True, None)
    with database.begin() as session:
        assert accounts.session_of(session, token) is None
        accounts.log_in(session, "c", password, 12)
