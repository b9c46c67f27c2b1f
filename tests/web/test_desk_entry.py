"""The rest of a log-in over HTTP: a first password, the code, the auditor's page; and what each role finds."""

from __future__ import annotations

import pyotp
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from core import accounts
from core.accounts import Account
from core.rights import ROLES
from core.second_factor import offer_secret
from tests.fakes import COUNTY
from tests.web.conftest import csrf_of
from web.desk import desk_router
from web.desk_entry import entry_router
from web.site import Site


@pytest.fixture
def app(site: Site) -> FastAPI:
    """The desk with its entry."""
    made = FastAPI()
    made.include_router(entry_router(site))
    made.include_router(desk_router(site))
    return made


def enter(app: FastAPI, site: Site, role: str, **flags: bool) -> TestClient:
    """A browser that gave the password of a fresh account."""
    with site.database.begin() as session:
        account = accounts.add_account(session, "who", "某", role, COUNTY, "a first password")
        session.flush()
        for name, value in flags.items():
            setattr(account, name, value)
    browser = TestClient(app, follow_redirects=False)
    form = {"username": "who", "password": "a first password", "csrf": csrf_of(browser.get("/desk/login"))}
    assert browser.post("/desk/login", data=form).status_code == 303
    return browser


def test_a_given_password_is_changed_first(app: FastAPI, site: Site) -> None:
    """Until it is changed every page leads to the change; a short one is refused; then the desk opens."""
    browser = enter(app, site, "county", must_change=True)
    assert browser.get("/desk").headers["location"] == "/desk/password"
    assert browser.get("/desk/cases/100016").headers["location"] == "/desk/password"
    page = browser.get("/desk/password")
    assert "先换成自己的" in page.text
    form = {"csrf": csrf_of(page), "old": "a first password"}
    assert browser.post("/desk/password", data={**form, "new": "short"}).status_code == 422
    assert browser.post("/desk/password", data={"old": form["old"], "new": "a second password"}).status_code == 403
    assert browser.post("/desk/password", data={**form, "new": "a second password"}).status_code == 303
    assert browser.get("/desk").status_code == 200


def test_the_code_opens_the_desk(app: FastAPI, site: Site) -> None:
    """Before the code nothing opens; the first time the page shows what the phone is to learn, later it does not."""
    browser = enter(app, site, "county", second_factor=True)
    assert browser.get("/desk").headers["location"] == "/desk/code"
    page = browser.get("/desk/code")
    with site.database.begin() as session:
        secret = offer_secret(site.vault, session.query(Account).one())
    assert secret in page.text
    assert "<svg" in page.text
    assert browser.post("/desk/code", data={"csrf": csrf_of(page), "code": "12345六"}).status_code == 401
    assert browser.post("/desk/code", data={"csrf": csrf_of(page), "code": pyotp.TOTP(secret).now()}).status_code == 303
    assert browser.get("/desk").status_code == 200
    again = TestClient(app, follow_redirects=False)
    form = {"username": "who", "password": "a first password", "csrf": csrf_of(again.get("/desk/login"))}
    again.post("/desk/login", data=form)
    assert secret not in again.get("/desk/code").text


def test_the_auditor_reads_the_chain(app: FastAPI, site: Site) -> None:
    """Rows and whether they fit, and no case."""
    browser = enter(app, site, "audit")
    with site.database.begin() as session:
        site.audit.record(session, 1, "view", "case", 100016)
    assert browser.get("/desk").headers["location"] == "/desk/audit"
    assert "核对了1条，条条对得上" in browser.get("/desk/audit?check=1").text


@pytest.mark.parametrize("role", sorted(ROLES))
def test_each_role_finds_its_own_pages(app: FastAPI, site: Site, role: str) -> None:
    """Only cadres have a queue and cases, only auditors the log; everybody gets in somewhere."""
    browser = enter(app, site, role)
    is_cadre = role in ("grid", "village", "town", "county")
    home = browser.get("/desk")
    assert home.status_code == (200 if is_cadre else 303)
    assert browser.get("/desk/audit").status_code == (200 if role == "audit" else 404)
    assert browser.get("/desk/cases/100016").status_code == 404
    if not is_cadre and home.headers["location"] not in ("/desk/sheets", "/desk/broadcasts"):  # routers of their own
        assert browser.get(home.headers["location"]).status_code == 200
