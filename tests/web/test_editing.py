"""The editors' desk over HTTP: who gets in, and a sheet's way from a file into print, on each kind of database."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from bot.records import Unanswered
from bot.unanswered import DeclinedQuestions
from core import accounts, clock
from core.accounts import EDITOR
from core.crypto import Vault
from core.database import Database
from core.regions import Regions
from knowledge_base import editions
from knowledge_base.index import build_index
from knowledge_base.seed import import_seed
from knowledge_base.shelf import Shelf, Workshop
from tests.fakes import COUNTY, DAY, OUT_OF_SCOPE, VILLAGE, FakeEncoder, section_text, sheet_text, write_sheet
from web.desk import desk_router
from web.desk_frame import SESSION_COOKIE
from web.editing import editing_router
from web.pages import add_error_pages
from web.questions import questions_router
from web.site import Site

NEW = sheet_text(sections=section_text(short="先去镇里。"))


class County3:
    """An app with three sheets in print; browsers of two editors and cadres."""

    def __init__(self, app: FastAPI, routers: list[APIRouter], shelf: Shelf, database: Database) -> None:
        self.app, self.shelf, self.database = app, shelf, database
        self.routes = [
            (method, re.sub(r"\{\w+\}", "1", route.path))
            for router in routers
            for route in router.routes
            if isinstance(route, APIRoute)
            for method in route.methods
        ]

    def browser(self, username: str) -> TestClient:
        """A browser in which somebody is logged in."""
        client = TestClient(self.app, follow_redirects=False)
        with self.database.begin() as session:
            client.cookies.set(SESSION_COOKIE, accounts.log_in(session, username, "right", 1))
        return client

    def wait(self) -> None:
        """Until the shelf has done what it was asked."""
        self.shelf._in_background(lambda: None).result(30)


@pytest.fixture
def county3(site: Site, database: Database, vault: Vault, regions: Regions, tmp_path: Path) -> Iterator[County3]:
    for name, title in [("dibao", "农村低保"), ("rights", "投诉"), ("medical", "医保")]:
        write_sheet(tmp_path / "seed", sheet_text(name, title, sections=section_text(asked=f"{title}怎么办")), name=name)
    with database.begin() as session:
        import_seed(session, tmp_path / "seed")
        for username, role, region in [
            ("mo", EDITOR, COUNTY), ("chen", EDITOR, COUNTY), ("village", "village", VILLAGE), ("county", "county", COUNTY),
        ]:  # fmt: skip
            accounts.add_account(session, username, username, role, region, "right")
    encoder: Any = FakeEncoder()
    with database.read() as session:
        build_index(editions.sheets_in_print(session), encoder, OUT_OF_SCOPE, tmp_path / "knowledge.db", "fake")
    shelf = Shelf(database, Workshop(encoder, "fake", OUT_OF_SCOPE, COUNTY, 0.0), tmp_path / "knowledge.db")
    site = replace(site, searcher=shelf.searcher)
    app = FastAPI()
    app.include_router(desk_router(site))
    declined = DeclinedQuestions(database, vault, regions, COUNTY, encoder)
    routers = [editing_router(site, shelf), questions_router(site, shelf, declined)]
    for router in routers:
        app.include_router(router)
    add_error_pages(app, site)
    yield County3(app, routers, shelf, database)
    shelf.close()


def csrf(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def post(browser: TestClient, url: str, expect: int = 303, **fields: Any) -> str:
    """Send a form with a fresh token; where it leads, or the page."""
    token = csrf(browser.get("/desk/sheets").text)
    answer = browser.post(url, data={"csrf": token, **fields})
    assert answer.status_code == expect, answer.text
    return answer.headers["location"] if expect == 303 else answer.text


def drafted(browser: TestClient, text: str = NEW) -> str:
    """The address of a draft with a text."""
    post(browser, "/desk/sheets/import", 200, pasted=text)
    page = browser.get("/desk/sheets").text
    return str(re.findall(r"/desk/sheets/editions/\d+", page)[0])


def saved(browser: TestClient, draft: str, text: str = NEW, then: str = "save", expect: int = 303) -> str:
    """Save a draft as its form does."""
    version = re.search(r'name="version" value="([^"]+)"', browser.get(draft).text)
    assert version is not None
    return post(browser, f"{draft}/save", expect, text=text, version=version[1], then=then)


@pytest.mark.parametrize("username", ["village", "county"])
def test_a_cadre_gets_nowhere(county3: County3, username: str) -> None:
    """Every address of the editors answers a cadre, whatever the form holds, as if it did not exist."""
    browser = county3.browser(username)
    assert len(county3.routes) > 20
    for method, url in county3.routes:
        fields = {"csrf": csrf(browser.get("/desk").text), "ids": "1", "to": "golden", "question": "x"}
        asked = browser.post(url, data=fields) if method == "POST" else browser.get(f"{url}?ids=1&to=golden")
        assert asked.status_code in (403, 404), (method, url, asked.status_code)


def test_a_stranger_is_sent_to_the_log_in(county3: County3) -> None:
    """Without a session every address leads to the log-in."""
    browser = TestClient(county3.app, follow_redirects=False)
    for method, url in county3.routes:
        asked = browser.post(url, data={"ids": "1"}) if method == "POST" else browser.get(f"{url}?ids=1&to=golden")
        assert (asked.status_code, asked.headers.get("location")) == (303, "/desk/login"), (method, url)


def test_every_form_needs_its_own_token(county3: County3) -> None:
    """An editor's browser that is led to post from elsewhere changes nothing."""
    browser, other = county3.browser("mo"), county3.browser("chen")
    draft = drafted(browser)
    stolen = csrf(other.get("/desk/sheets").text)
    for method, url in county3.routes:
        if method == "POST":
            url = url.replace("/desk/sheets/editions/1", draft)
            for token in ("", "x", stolen):
                assert browser.post(url, data={"csrf": token, "ids": "1"}).status_code == 403, url


def test_an_editor_sees_no_cases(county3: County3) -> None:
    """The desk of an editor is the sheets."""
    assert county3.browser("mo").get("/desk").headers["location"] == "/desk/sheets"


def test_from_a_file_into_print(county3: County3) -> None:
    """One editor imports, mends and submits; the author cannot publish; the other tries it, sees what changes, publishes."""
    mo, chen = county3.browser("mo"), county3.browser("chen")
    token = csrf(mo.get("/desk/sheets").text)
    page = mo.post("/desk/sheets/import", data={"csrf": token}, files={"document": ("低保.txt", "低保\n待写".encode("gb18030"))})
    assert "待填" in page.text
    draft = str(re.findall(r"/desk/sheets/editions/\d+", mo.get("/desk/sheets").text)[0])
    assert "必须改" in saved(mo, draft, "还没写好", "submit", 409)
    assert "还没写好" in mo.get(draft).text
    saved(mo, draft, NEW, "submit")

    assert "试跑" in chen.get(draft).text
    assert "先试跑" in post(chen, f"{draft}/publish", 409, seen="1")
    post(chen, f"{draft}/trial")
    county3.wait()
    assert "打上勾" in post(chen, f"{draft}/publish", 422)
    assert "另一位编辑" in post(mo, f"{draft}/publish", 409, seen="1")
    post(chen, f"{draft}/publish", seen="1")
    county3.wait()
    hit = county3.shelf.searcher().section("dibao", "how", COUNTY, DAY)
    assert hit is not None
    assert hit.short == "先去镇里。"
    history = chen.get("/desk/sheets/of/45/dibao").text
    assert "第2版" in history
    assert "第1版" in history


def test_a_refused_save_keeps_what_was_typed(county3: County3) -> None:
    """When another editor saved meanwhile the page comes back with the words that were not saved."""
    mo, chen = county3.browser("mo"), county3.browser("chen")
    draft = drafted(mo)
    version = re.search(r'name="version" value="([^"]+)"', mo.get(draft).text)
    assert version is not None
    saved(chen, draft, NEW.replace("先去镇里", "陈的话"))
    page = post(mo, f"{draft}/save", 409, text=NEW.replace("先去镇里", "莫的话"), version=version[1])
    assert "莫的话" in page
    assert "别人刚改过" in page
    assert "陈的话" in chen.get(draft).text


def test_the_preview_counts_what_each_channel_will_send(county3: County3) -> None:
    """Web bubbles, WeChat's bytes, and the parts of an SMS."""
    mo = county3.browser("mo")
    page = mo.get(drafted(mo, sheet_text(sections=section_text(short="话" * 75)))).text
    assert "75字，2条" in page
    assert re.search(r"\d+字节，1条", page)


def test_bad_uploads_are_refused_with_what_to_do(county3: County3) -> None:
    """A picture and nothing at all come back with a reason; no draft is made."""
    mo = county3.browser("mo")
    token = csrf(mo.get("/desk/sheets").text)
    for files in ({"document": ("x.docx", b"\x89PNG\r\n")}, {"document": ("", b"")}):
        assert mo.post("/desk/sheets/import", data={"csrf": token}, files=files).status_code == 422
    assert "还没发布的" not in mo.get("/desk/sheets").text


def test_script_in_a_sheet_is_only_text(county3: County3) -> None:
    """Whatever an editor or a document writes is shown, never run."""
    mo = county3.browser("mo")
    draft = drafted(mo, NEW.replace("先到村委会。", "<script>alert(1)</script>"))
    for url in (draft, "/desk/sheets"):
        assert "<script>alert" not in mo.get(url).text


def test_rolling_back_and_taking_out_of_print_wait_for_the_other(county3: County3) -> None:
    """Both lead to an edition that waits for the second editor."""
    mo = county3.browser("mo")
    page = mo.get("/desk/sheets/of/45/dibao").text
    edition = re.search(r"/desk/sheets/editions/\d+", page)
    assert edition is not None
    target = post(mo, f"{edition[0]}/withdraw", remark="合并了")
    assert "下架" in mo.get(target).text
    post(mo, f"{edition[0]}/rollback", 409)


@pytest.fixture
def asked(county3: County3, vault: Vault) -> Callable[[], str]:
    """A declined question; gives the address of its group's page."""

    def ask() -> str:
        with county3.database.begin() as session:
            question = vault.seal("我叫莫志明，13877412345，养蜂有没有补贴")
            session.add(Unanswered(region=VILLAGE, question=question, nearest="dibao", confidence=0.1, at=clock.now()))
            session.flush()
            newest = session.query(Unanswered).order_by(Unanswered.id.desc()).first()
            assert newest is not None
            return str(newest.id)

    return ask


def test_a_declined_question_becomes_part_of_a_sheet(county3: County3, asked: Callable[[], str]) -> None:
    """One click and a confirmed wording make an asked-as line in a draft, a new draft, or a golden question."""
    mo = county3.browser("mo")
    for to, leads in [("asked", "/desk/sheets/editions/"), ("draft", "/desk/sheets/editions/"), ("golden", "/desk/unanswered")]:
        number = asked()
        page = mo.get("/desk/unanswered").text
        assert "养蜂有没有补贴" in page
        assert "莫志明" not in page
        assert "13877412345" not in page
        assert "养蜂" in mo.get(f"/desk/unanswered/confirm?ids={number}&to={to}").text
        fields = {"ids": number, "to": to, "wording": "养蜂有没有补贴", "target": "45/dibao#how"}
        post(mo, "/desk/unanswered/settle", 422, **fields)
        target = post(mo, "/desk/unanswered/settle", confirmed="1", **fields)
        assert target.startswith(leads)
        if to != "golden":
            assert "养蜂有没有补贴" in mo.get(target).text
        post(mo, "/desk/unanswered/settle", 404, confirmed="1", **fields)
    assert "养蜂有没有补贴" in mo.get("/desk/golden").text
    assert "没有没答上的" in mo.get("/desk/unanswered").text
    with county3.database.read() as session:
        assert all("养蜂" not in str(sheet) for sheet in editions.sheets_in_print(session)), (
            "public before a second person saw it"
        )


def test_a_dismissed_group_is_gone(county3: County3, asked: Callable[[], str]) -> None:
    """What is no policy question is put away without a wording."""
    mo = county3.browser("mo")
    post(mo, "/desk/unanswered/settle", ids=asked(), to="dismissed")
    assert "没有没答上的" in mo.get("/desk/unanswered").text


def test_golden_questions_are_kept_on_their_page(county3: County3) -> None:
    """Added, shown with what is answered now, refused twice, removed."""
    mo = county3.browser("mo")
    post(mo, "/desk/golden", question="农村低保怎么办呀", target="45/dibao#how")
    assert "农村低保怎么办呀" in post(mo, "/desk/golden", 422, question="农村低保怎么办呀", target="45/dibao#how")
    post(mo, "/desk/golden", 422, question="低保", target="")
    removal = re.search(r"/desk/golden/\d+/remove", mo.get("/desk/golden").text)
    assert removal is not None
    post(mo, removal[0])
    assert "农村低保怎么办呀" not in mo.get("/desk/golden").text


def test_the_stale_list_is_a_page(county3: County3) -> None:
    """Sheets that time has overtaken are listed with the reason."""
    assert "没有核对了" in county3.browser("mo").get("/desk/sheets/stale").text
