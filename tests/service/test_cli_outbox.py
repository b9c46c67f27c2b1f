"""The outbox from the command line: what is stuck, a restore, a dead letter."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from core.crypto import Vault
from core.database import Database
from core.delivery import TRIES, Outcome, Result, State
from core.outbox import Outbox, Outgoing
from core.settings import Settings
from service.cli import app

RUN = CliRunner()


@pytest.fixture
def outbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Outbox:
    """An outbox in a data directory, with one message that is on its way and two that wait."""
    monkeypatch.setenv("MINGBAI_DATA", str(tmp_path))
    settings = Settings()
    database = Database(settings.sqlalchemy_url)
    database.upgrade()
    outbox = Outbox(database, Vault.open(settings.data_dir))
    with database.begin() as session:
        outbox.enqueue(session, [Outgoing(str(n), "sms", f"+8525123456{n}", {"text": "悄悄话"}) for n in range(3)])
    outbox.claim("sms", "me", 1)
    return outbox


def run(*arguments: str, code: int = 0) -> str:
    """A command; what it printed."""
    done = RUN.invoke(app, ["outbox", *arguments])
    assert done.exit_code == code, done.output
    return done.output


def test_after_a_restore(outbox: Outbox) -> None:
    """What waits is held, what was on its way unknown, and nothing goes before somebody says so."""
    assert "2 held, 1 unknown" in run("quarantine")
    assert outbox.claim("sms", "me", 9) == []
    shown = run("show")
    assert "held 2" in shown
    assert "unknown 1" in shown
    assert "+852" not in shown
    assert "悄悄话" not in shown
    assert "0 released" in run("release", "--channel", "wechat")
    assert "2 released" in run("release")
    assert "2 held" in run("hold", "--channel", "sms")


def test_a_dead_letter_is_sent_again_and_an_unknown_one_is_not(outbox: Outbox) -> None:
    """The first is certain not to have arrived."""
    outbox.quarantine()
    [unknown] = outbox.letters([State.UNKNOWN])
    assert "unknown" in run("retry", unknown.id, code=1)
    assert "not there" in run("retry", "nothing", code=1)
    outbox.release()
    [message] = outbox.claim("sms", "me", 1)
    for _ in range(TRIES):
        outbox.complete("me", [(message, Outcome(Result.FAILED, "21610"))])
    [failed] = outbox.letters([State.FAILED])
    assert "failed" in run("retry", failed.id, code=1)
    [message] = outbox.claim("sms", "me", 1)
    dead = type(message)(**{**vars(message), "tries": TRIES})
    outbox.complete("me", [(dead, Outcome(Result.RETRY, "30001"))])
    assert "queued" in run("retry", message.id)
    assert outbox.state(message.id) == State.QUEUED
