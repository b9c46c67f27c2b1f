"""The drill: the sending process is killed at random points, people refuse meanwhile, and nobody is texted twice."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import func, select

from core import clock
from core.crypto import Vault
from core.database import Database
from core.outbox import OutboxRow
from outreach.broadcast_tables import DeliveryRow, Fate
from outreach.rules import Status
from tests.outreach.drill import KEY
from tests.outreach.sender import NOON, Country, number

PEOPLE, KILLS, REFUSE = 2000, 3, 20
ROOT = Path(__file__).parent.parent.parent


def test_killed_three_times(sqlite: Database, tmp_path: Path) -> None:
    """Every recipient ends in exactly one state, which is the truth; who refused while it was off was not texted after."""
    offset = NOON - clock.now()
    country = Country(sqlite, Vault(KEY), lambda: clock.now() + offset)
    assert country.started(*country.settle_in(PEOPLE)) == 1
    file = tmp_path / "sent"
    file.touch()
    chance = random.Random(7)

    def start() -> subprocess.Popen[bytes]:
        drill = [sys.executable, "-m", "tests.outreach.drill", sqlite.url, str(file), str(offset.total_seconds())]
        return subprocess.Popen(drill, cwd=ROOT)

    refused: set[str] = set()
    for turn in range(KILLS):
        process, sent = start(), len(file.read_text().splitlines())
        until = time.monotonic() + 30
        while len(file.read_text().splitlines()) < sent + chance.randint(100, 400):
            assert process.poll() is None, "it ended before it was killed"
            assert time.monotonic() < until
            time.sleep(0.005)
        process.kill()
        process.wait()
        if turn == 0:
            refused = _some_who_wait(country, sqlite)
            with sqlite.begin() as session:
                for each in refused:
                    key = country.outbox.recipient("sms", each)
                    country.consents.said_in_conversation(session, key, wanted=False, said="退订")
    try:
        process = start()
        assert process.wait(60) == 0
    except subprocess.TimeoutExpired:
        process.kill()
        pytest.fail("it did not end")

    lines = [line.split() for line in file.read_text().splitlines()]
    texted = Counter(to for _, to in lines)
    assert max(texted.values()) == 1
    assert not refused & set(texted)
    country.sending.settle(1)
    with sqlite.read() as session:
        rows = session.execute(select(DeliveryRow.fate, func.count()).group_by(DeliveryRow.fate))
        fates = {row[0]: row[1] for row in rows}
        sent = set(session.scalars(select(OutboxRow.id).where(OutboxRow.state == "sent")))
    assert country.row(1).status == Status.DONE
    assert sum(fates.values()) == PEOPLE
    assert set(fates) <= {Fate.SENT, Fate.UNKNOWN, Fate.CANCELLED}
    assert fates[Fate.CANCELLED] == len(refused)
    assert sent == {message for message, _ in lines}
    assert fates[Fate.SENT] == len(lines)


def _some_who_wait(country: Country, database: Database) -> set[str]:
    """Some whose text waits in the outbox, and some who were not fed into it yet."""
    numbers = {country.outbox.recipient("sms", number(at)): number(at) for at in range(PEOPLE)}
    with database.read() as session:
        known = {row.recipient: row.state for row in session.execute(select(OutboxRow.recipient, OutboxRow.state))}
    queued = [number for key, number in numbers.items() if known.get(key) == "queued"]
    unfed = [number for key, number in numbers.items() if key not in known]
    assert queued
    assert unfed
    return {*queued[: REFUSE // 2], *unfed[-REFUSE:]}
