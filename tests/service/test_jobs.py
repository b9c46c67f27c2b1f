"""Jobs behind the pages: a list is taken in, also one that a crash left, and broadcasts are fed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from core.accounts import Account
from core.crypto import Vault
from core.database import Database
from core.regions import Regions
from outreach.importer import Imports
from outreach.tables import ImportRow
from service.jobs import Jobs
from tests.fakes import COUNTY
from tests.outreach.conftest import HEAD, add_officer, hand_in
from tests.outreach.sender import Clock, Country


@pytest.fixture
def officer(database: Database) -> Account:
    """Who hands lists in."""
    return add_officer(database, "officer", region=COUNTY)


async def until(done, seconds: float = 20) -> None:
    """Wait for something that a thread does."""
    async with asyncio.timeout(seconds):
        while not done():
            await asyncio.sleep(0.05)


async def test_jobs(database: Database, vault: Vault, regions: Regions, officer: Account, tmp_path: Path) -> None:
    """One list is asked for, one was left by a crash, one is broken: two are taken in, one says why not."""
    imports = Imports(database, vault, regions, tmp_path / "imports")
    country = Country(database, vault, Clock())
    left = hand_in(database, imports, officer, f"{HEAD}\n莫某,13800000001,,探花村,1,\n")
    asked = hand_in(database, imports, officer, f"{HEAD}\n黄某,13800000002,,善村,1,\n")
    broken = hand_in(database, imports, officer, f"{HEAD}\n韦某,13800000003,,善村,1,\n")
    imports._file(broken).write_bytes(b"\0\0\0")
    jobs = Jobs(database, imports, country.sending, tmp_path / "jobs.db")

    def state(number: int) -> str:
        with database.read() as session:
            return session.get_one(ImportRow, number).state

    async with jobs.running():
        jobs.take_in(asked)
        jobs.take_in(asked)  # twice does nothing twice
        await until(lambda: [state(each) for each in (left, asked, broken)] == ["done", "done", "failed"])
    with database.read() as session:
        assert session.get_one(ImportRow, asked).added == 1
        assert "读不了" in session.get_one(ImportRow, broken).problem


async def test_a_broadcast_is_fed(database: Database, vault: Vault, regions: Regions, tmp_path: Path) -> None:
    """What was started reaches the outbox by itself."""
    country = Country(database, vault, Clock())
    country.started(*country.settle_in(6))
    jobs = Jobs(database, Imports(database, vault, regions, tmp_path / "imports"), country.sending, tmp_path / "jobs.db")
    async with jobs.running():
        await until(lambda: country.deliver() > 0)
    assert sum(country.called.values()) == 6
