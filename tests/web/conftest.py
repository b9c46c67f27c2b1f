"""What pages are tested with: a live county's site, and a demo with one sheet, a villager's browser and people at the desk."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from fastapi.testclient import TestClient

from bot.skills import Shared
from bot.telling import Telling
from bot.unfinished import UnfinishedReports
from channels.journal import Journal
from channels.reception import Reception
from channels.texts import why
from channels.web.api import Chat, Limiter
from channels.web.sender import Senders
from core import accounts
from core.county import Contact, County
from core.crypto import Vault
from core.database import Database
from core.outbox import Outbox
from core.regions import Regions
from core.settings import Settings
from knowledge_base.search import Searcher
from tests.checking import Village
from tests.fakes import COUNTY, VILLAGE
from web.codes import codes_router
from web.desk import desk_router
from web.desk_audio import desk_audio_router
from web.desk_precheck import desk_precheck_router
from web.letters import letters_router
from web.pages import add_error_pages, pages_router, static_files
from web.precheck import precheck_router
from web.report_form import report_form_router
from web.sheets import sheets_router
from web.site import Site
from web.village import village_router

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PEOPLE = {
    "editor": ("editor", COUNTY),
    "county": ("county", COUNTY),
    "town": ("town", COUNTY + "100"),
    "village": ("village", VILLAGE),
}


@pytest.fixture
def site(shared: Shared, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The domains behind the pages of a live county, on each kind of database."""
    monkeypatch.setattr(accounts, "_hasher", QUICK)
    monkeypatch.setattr(accounts, "_DUMMY", QUICK.hash("nobody"))
    return Site(
        county=County(COUNTY, demo=False, accepted_door=False), regions=shared.regions, database=shared.database,
        vault=shared.vault, journal=journal, cases=shared.cases, complaints=shared.complaints,
        unfinished=UnfinishedReports(shared.vault, shared.cases), alerts=shared.alerts, handoffs=shared.handoffs,
        telling=Telling(shared, journal), searcher=lambda: SimpleNamespace(), texts=shared.texts, settings=Settings(),
    )  # fmt: skip


@pytest.fixture
def pages(
    database: Database, vault: Vault, regions: Regions, journal: Journal, checked_searcher: Searcher, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> SimpleNamespace:  # fmt: skip
    """The app, its parts, and a browser of a villager."""
    monkeypatch.setattr(accounts, "_hasher", QUICK)
    monkeypatch.setattr(accounts, "_DUMMY", QUICK.hash("nobody"))
    with database.begin() as session:
        for username, (role, region) in PEOPLE.items():
            accounts.add_account(session, username, f"{username}某", role, region, "right")
        session.add(Contact(region=VILLAGE, name="莫某", role="村级信息员", phone="0774-8200001"))
    talk = Village(database, vault, checked_searcher)
    site = Site(
        county=County(COUNTY, demo=True, accepted_door=False), regions=regions, database=database, vault=vault, journal=journal,
        cases=talk.cases, complaints=talk.shared.complaints, unfinished=UnfinishedReports(vault, talk.cases),
        alerts=talk.shared.alerts, handoffs=talk.shared.handoffs, telling=Telling(talk.shared, journal),
        searcher=lambda: checked_searcher, texts=talk.shared.texts,
        settings=Settings(data=tmp_path, public_url="https://mingbai.example"),
    )  # fmt: skip
    senders, chat = Senders(vault.signing_key, demo=True, secure=False), Chat(journal, Reception(journal, talk.assistant.answer))
    free = Limiter(1000, 1000, lambda _: False)
    app = FastAPI()
    for router in (
        pages_router(site, chat, senders, free, free), sheets_router(site), village_router(site),
        precheck_router(site, chat, senders, talk.skills.prechecks), desk_router(site), desk_audio_router(site),
        desk_precheck_router(site), codes_router(site),
        letters_router(site, Outbox(database, vault), lambda _, reason: why(reason)),
        report_form_router(site, chat, senders, talk.skills.form, free, lambda text: "救命" in text),
    ):  # fmt: skip
        app.include_router(router)
    app.mount("/static", static_files(), name="static")
    add_error_pages(app, site)
    return SimpleNamespace(app=app, site=site, talk=talk, villager=TestClient(app, follow_redirects=False))


def at_the_desk(pages: SimpleNamespace, username: str) -> TestClient:
    """A browser in which somebody is logged in."""
    browser = TestClient(pages.app, follow_redirects=False)
    answer = browser.post(
        "/desk/login", data={"username": username, "password": "right", "csrf": csrf_of(browser.get("/desk/login"))}
    )
    assert answer.status_code == 303
    return browser


def csrf_of(page: Any) -> str:
    """The token that a page's forms carry."""
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]
