"""The desk's log-in over HTTP, on each kind of database."""

from __future__ import annotations

import re

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from core import accounts
from tests.fakes import VILLAGE
from web.desk import desk_router
from web.pages import static_files
from web.site import Site


@pytest.fixture
def browser(site: Site) -> TestClient:
    """A browser before the desk of a live county with one cadre."""
    with site.database.begin() as session:
        accounts.add_account(session, "mo", "莫志明", "village", VILLAGE, "right")
    app = FastAPI()
    app.include_router(desk_router(site))
    app.mount("/static", static_files(), name="static")
    return TestClient(app, follow_redirects=False)


def log_in(browser: TestClient, username: str, password: str) -> int:
    """The status of a log-in with a fresh form."""
    csrf = re.search(r'name="csrf" value="([^"]+)"', browser.get("/desk/login").text)
    assert csrf is not None
    return browser.post("/desk/login", data={"username": username, "password": password, "csrf": csrf[1]}).status_code


def test_a_cadre_logs_in(browser: TestClient) -> None:
    """The right password leads to the desk, which is closed before it."""
    assert browser.get("/desk").status_code == 303
    assert log_in(browser, " mo ", "right") == 303
    assert browser.get("/desk").status_code == 200


@pytest.mark.parametrize("username", ["mo", "nobody", "", "m\x00o", "\x00", "长" * 5000, "'; --"])
def test_any_wrong_name_is_refused_politely(browser: TestClient, username: str) -> None:
    """Whatever is typed as a name, a wrong log-in is refused with the form again, on either database."""
    assert log_in(browser, username, "wrong") == 401


def test_a_form_of_another_browser_is_refused(browser: TestClient) -> None:
    """A log-in without the form's own token is refused."""
    assert browser.post("/desk/login", data={"username": "mo", "password": "right", "csrf": "x"}).status_code == 403
