"""The desk's other queues over HTTP: complaints for the level above only, unfinished reports, likely duplicates, proxies."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from bot.records import Conversation
from bot.texts import Texts
from core import accounts
from core.database import Database
from tests.fakes import COUNTY, TOWN, VILLAGE
from tests.talk import Talk
from web.desk import desk_router
from web.desk_reports import reports_router
from web.site import Site


@pytest.fixture
def desk(site: Site, database: Database):
    """Makes a browser in which a cadre of a place is logged in."""
    app = FastAPI()
    app.include_router(desk_router(site))
    app.include_router(reports_router(site))

    def open_desk(region: str, role: str = "town") -> TestClient:
        browser = TestClient(app, follow_redirects=False)
        with database.begin() as session:
            accounts.add_account(session, f"{role}{region}", "莫志明", role, region, "right")
        token = csrf(browser.get("/desk/login").text)
        browser.post("/desk/login", data={"username": f"{role}{region}", "password": "right", "csrf": token})
        return browser

    return open_desk


def csrf(page: str) -> str:
    """The token of a page's forms."""
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def test_a_complaint_is_on_the_desk_above_only(desk, talk: Talk) -> None:
    """The village sees neither link nor text nor can it take the complaint up; the township does, and the villager is told."""
    talk.say("探花村的支书收了我家五百块", "complain")
    village, town = desk(VILLAGE, "village"), desk(TOWN)
    assert "投诉" not in village.get("/desk").text
    assert "五百块" not in village.get("/desk/complaints").text
    assert "1 件等处理" in town.get("/desk").text
    page = town.get("/desk/complaints").text
    assert "五百块" in page
    action = re.search(r'action="(/desk/complaints/\d+/accept)"', page)[1]
    assert village.post(action, data={"csrf": csrf(village.get("/desk").text)}).status_code == 404
    assert town.post(action, data={"csrf": "x"}).status_code == 403
    assert town.post(action, data={"csrf": csrf(page)}).status_code == 303
    town.post(action, data={"csrf": csrf(page)})
    assert len(talk.journal.updates(talk.key, "")) == 1
    assert "已经接手" in talk.journal.updates(talk.key, "")[0]["replies"][0]["text"]


@pytest.mark.parametrize("number", ["0", "-1", "99999999999999999999", "x"])
def test_a_strange_complaint_is_no_crash(desk, number: str) -> None:
    """What is no complaint's number is refused."""
    town = desk(TOWN)
    answer = town.post(f"/desk/complaints/{number}/accept", data={"csrf": csrf(town.get("/desk").text)})
    assert answer.status_code in (404, 422)


def test_an_unfinished_report_is_taken_up(desk, talk: Talk) -> None:
    """After a day it stands on the desk as 没报完; taken up it is a case, and the villager is told its number."""
    talk.say("老公住院花了五万", "report_hardship")
    talk.say("探花村")
    village = desk(VILLAGE, "village")
    assert 'id="unfinished"' not in village.get("/desk").text
    with talk.database.begin() as session:
        session.get(Conversation, talk.key).draft_at -= timedelta(hours=25)
    page = village.get("/desk").text
    assert 'id="unfinished"' in page
    action = re.search(r'action="(/desk/unfinished/\w+/take)"', page)[1]
    taken = village.post(action, data={"csrf": csrf(page)})
    number = talk.filed()[0][0].number
    assert taken.headers["location"] == f"/desk/cases/{number}"
    assert village.post(action, data={"csrf": csrf(page)}).status_code == 404
    assert number in talk.journal.updates(talk.key, "")[0]["replies"][0]["text"]


def test_a_proxy_is_told_only_that_it_was_passed_on(desk, talk: Talk) -> None:
    """Accepting tells who reported for somebody else nothing of the state, and warns the cadre not to name them."""
    number = talk.file("帮隔壁阿婆报，她摔断了腿").case.number
    village = desk(VILLAGE, "village")
    page = village.get(f"/desk/cases/{number}").text
    assert "不要跟这家人说是谁报的" in page
    village.post(f"/desk/cases/{number}/accept", data={"csrf": csrf(page)})
    assert [update["replies"][0]["text"] for update in talk.journal.updates(talk.key, "")] == [
        Texts().say("notice_passed_on", number=number)
    ]


def test_who_refused_news_of_their_case_gets_none(desk, talk: Talk) -> None:
    """A separate refusal holds: the case is accepted in silence."""
    number = talk.file().case.number
    talk.say("我的事也别发了")
    village = desk(VILLAGE, "village")
    village.post(f"/desk/cases/{number}/accept", data={"csrf": csrf(village.get(f"/desk/cases/{number}").text)})
    assert talk.filed()[0][0].state == "accepted"
    assert talk.journal.updates(talk.key, "") == []


def test_a_likely_duplicate_is_proposed(desk, talk: Talk, talker) -> None:
    """Another sender's report with the same phone is named on the case page; both stay."""
    one, other = talk.file().case.number, talker().file("稻子淹了").case.number
    page = desk(VILLAGE, "village").get(f"/desk/cases/{one}").text
    assert f"/desk/cases/{other}" in page
    assert "电话相同" in page


def test_an_editor_sees_none_of_it(desk, talk: Talk) -> None:
    """Who keeps the sheets sees neither complaints nor reports."""
    talk.say("探花村的支书收了我家五百块", "complain")
    assert "五百块" not in desk(COUNTY, "editor").get("/desk/complaints").text
