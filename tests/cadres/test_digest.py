"""The day's digest: once, from eight in the morning, numbers only, to who has something to do and a phone."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from cadres.digest import digests
from cadres.inbox import Inbox
from core.crypto import Vault
from core.database import Database
from tests.cadres.casework import Casework


def test_once_a_day_to_who_has_something_to_do(database: Database, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody before eight; then each with a phone and a case; not twice on one day, again on the next."""
    work = Casework(vault, monkeypatch)
    inbox = Inbox(work.cases)
    work.now = datetime(2026, 11, 24, 23, tzinfo=timezone.utc)  # seven in the morning of the 25th in China
    with database.begin() as session:
        work.staff(session)
        for name in ("village", "town", "other_village", "editor"):
            work.people[name].phone = vault.seal("+8613800138000")
        work.report(session)
        session.flush()
        assert list(digests(session, inbox)) == []
        work.forward(hours=1)
        first = list(digests(session, inbox))
        assert [(one.account.username, one.unclaimed, one.overdue) for one in first] == [("village", 1, 0), ("town", 1, 0)]
        assert list(digests(session, inbox)) == []
        work.forward(days=3)
        again = list(digests(session, inbox))
        assert [(one.account.username, one.overdue) for one in again] == [("village", 1), ("town", 1)]
        assert not {one.key for one in first} & {one.key for one in again}
