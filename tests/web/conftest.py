"""What pages of the desk are tested with: a live county's site, quick passwords."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from argon2 import PasswordHasher

from bot.skills import Shared
from bot.telling import Telling
from channels.journal import Journal
from core import accounts
from core.county import County
from core.settings import Settings
from tests.fakes import COUNTY
from web.site import Site

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def site(shared: Shared, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The domains behind the pages of a live county, on each kind of database."""
    monkeypatch.setattr(accounts, "_hasher", QUICK)
    monkeypatch.setattr(accounts, "_DUMMY", QUICK.hash("nobody"))
    return Site(
        county=County(COUNTY, demo=False, accepted_door=False), regions=shared.regions, database=shared.database,
        vault=shared.vault, journal=journal, cases=shared.cases, alerts=shared.alerts, handoffs=shared.handoffs,
        telling=Telling(shared, journal), searcher=lambda: SimpleNamespace(), texts=shared.texts, settings=Settings(),
    )  # fmt: skip
