"""Setting up a live county, its accounts and its audit log from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from core.accounts import Account, add_account
from core.county import load_county
from core.database import Database
from core.errors import ConfigurationError
from core.settings import Settings
from service.cli import app
from service.cli_people import refuse_unready, set_up_county

RUN = CliRunner()


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A live county with its administrator."""
    monkeypatch.setenv("MINGBAI_DATA", str(tmp_path))
    done = RUN.invoke(app, ["init", "450481", "--admin", "root", "--duty-phone", "0774-8200000"])
    assert done.exit_code == 0
    return Settings()


def stored(settings: Settings) -> list[Account]:
    """All accounts."""
    database = Database(settings.sqlalchemy_url)
    with database.begin() as session:
        found = session.query(Account).order_by(Account.id).all()
        refuse_unready(session, load_county(session))
    database.close()
    return found


def test_a_live_county_has_one_administrator(live: Settings) -> None:
    """No demo people; the password must be changed, and the administrator needs a code."""
    (root,) = stored(live)
    assert (root.username, root.role, root.demo, root.must_change, root.second_factor) == ("root", "admin", False, True, True)
    with pytest.raises(ConfigurationError, match="already"):
        set_up_county(live, "450481", "root", "1")


def test_accounts_are_added_reset_and_stopped(live: Settings) -> None:
    """Each gets a password that is printed once, and a row in the audit log."""
    added = RUN.invoke(app, ["account", "add", "mo", "莫某", "village", "450481100201"])
    assert added.exit_code == 0
    assert RUN.invoke(app, ["account", "add", "mo", "莫某", "village", "450481100201"]).exit_code == 1
    reset = RUN.invoke(app, ["account", "reset", "mo"])
    assert added.stdout != reset.stdout
    assert RUN.invoke(app, ["account", "stop", "mo"]).exit_code == 0
    assert not stored(live)[1].active
    assert "mo" in RUN.invoke(app, ["account", "list"]).stdout
    assert "sound: 4 rows" in RUN.invoke(app, ["audit", "verify"]).stdout
    head = RUN.invoke(app, ["audit", "head"]).stdout.strip()
    assert RUN.invoke(app, ["audit", "verify", "--head", head]).exit_code == 0
    assert RUN.invoke(app, ["audit", "verify", "--head", "4:" + "0" * 64]).exit_code == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["x", "某", "mayor", "450481"], ["x", "某", "village", "450481"], ["x", "某", "village", "450482100201"],
        ["x", "某", "department", "450481"], ["x", "某", "town", "450481100", "--unit", "civil"],
        ["x", "某", "county", "４５０４８１"],
    ],
)  # fmt: skip
def test_a_wrong_account_is_refused(live: Settings, arguments: list[str]) -> None:
    """Unknown roles, places of another level or county, a department without its unit."""
    refused = RUN.invoke(app, ["account", "add", *arguments])
    assert refused.exit_code == 1
    assert len(stored(live)) == 1


def test_a_live_county_with_demo_people_is_not_served(live: Settings) -> None:
    """Whatever way a demo account came in, the service does not start."""
    database = Database(live.sqlalchemy_url)
    with database.begin() as session:
        add_account(session, "demo", "某", "town", "450481100", "x", demo=True)
    database.close()
    with pytest.raises(ConfigurationError, match="demo accounts"):
        stored(live)
