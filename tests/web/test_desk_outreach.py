"""Outreach at the desk, over HTTP: a list is handed in and taken in, a broadcast is written by one and signed by another."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from core import accounts
from core.county import Contact
from core.delivery import Outcome, Result
from core.outbox import Outbox
from outreach.broadcast import Broadcasts, Terms
from outreach.importer import Imports
from outreach.sending import Sending
from outreach.wording import draft
from tests.fakes import COUNTY, VILLAGE
from tests.outreach.conftest import HEAD
from tests.outreach.sender import OFFICE, Clock
from tests.web.conftest import csrf_of
from web.desk import desk_router
from web.desk_awareness import awareness_router
from web.desk_broadcasts import broadcasts_router
from web.desk_contacts import contacts_router
from web.site import Site

LIST = f"{HEAD}\n莫小兰,13800000001,岑城镇,探花村,1,低保\n莫志明,1380,岑城镇,探花村,2,\n黄桂芳,13900000002,,善村,3,低保\n"


@pytest.fixture
def desk(site: Site, tmp_path: Path) -> SimpleNamespace:
    """The desk with outreach; lists are taken in at once."""
    time = Clock()
    outbox = Outbox(site.database, site.vault, time)
    imports = Imports(site.database, site.vault, site.regions, tmp_path)
    broadcasts = Broadcasts(site.database, site.vault, outbox, site.regions, Terms(OFFICE), time)
    app = FastAPI()
    lists, sends = contacts_router(site, imports, imports.run), broadcasts_router(site, broadcasts, outbox)
    for router in (desk_router(site), lists, sends, awareness_router(site)):
        app.include_router(router)
    with site.database.begin() as session:
        for name, role in (("writer", "outreach"), ("signer", "outreach"), ("cadre", "village"), ("neighbour", "outreach")):
            region = {"cadre": VILLAGE, "neighbour": "450422"}.get(name, COUNTY)
            accounts.add_account(session, name, f"{name}某", role, region, "a good password")
        session.add(Contact(region=COUNTY, name="黄某", role="县里", phone="0774-8200009"))
    sending = Sending(site.database, site.vault, outbox, broadcasts, time)
    return SimpleNamespace(app=app, site=site, outbox=outbox, sending=sending)


def enter(desk: SimpleNamespace, name: str) -> TestClient:
    """Somebody's browser, logged in."""
    browser = TestClient(desk.app, follow_redirects=False)
    form = {"username": name, "password": "a good password", "csrf": csrf_of(browser.get("/desk/login"))}
    assert browser.post("/desk/login", data=form).status_code == 303
    return browser


def hand_in(browser: TestClient, content: bytes = LIST.encode()) -> str:
    """Upload a list; gives its page."""
    page = browser.get("/desk/contacts")
    answer = browser.post("/desk/contacts", data={"csrf": csrf_of(page)}, files={"file": ("名单.csv", content)})
    assert answer.status_code == 303
    return answer.headers["location"]


def take_in(browser: TestClient) -> str:
    """Upload a list and have it taken in as the page proposes; gives its page."""
    at = hand_in(browser)
    page = browser.get(at)
    selects = re.findall(r'<select id="f-\w+" name="(\w+)">(.*?)</select>', page.text, re.DOTALL)
    chosen = {name: found[1] for name, options in selects if (found := re.search(r'value="(\d+)" selected', options))}
    assert browser.post(at, data={"csrf": csrf_of(page), "mode": "add", **chosen}).status_code == 303
    return at


def write(browser: TestClient, **changes: str) -> object:
    """Fill in the wizard."""
    page = browser.get("/desk/broadcasts/new")
    form = {
        "csrf": csrf_of(page),
        "region": COUNTY,
        "title": "提醒",
        "said": draft("有难处找村里申报", OFFICE),
        "quiet_days": "3",
    }
    return browser.post("/desk/broadcasts", data={**form, **changes})


def act(browser: TestClient, at: str, step: str, **more: str):
    """Press a button of a broadcast's page."""
    page = browser.get(at)
    digest = re.search(r'name="digest" value="(\w+)"', page.text)
    return browser.post(at, data={"csrf": csrf_of(page), "step": step, "digest": digest[1] if digest else "", **more})


def test_a_list_is_looked_at_and_taken_in(desk: SimpleNamespace) -> None:
    """Columns are proposed, wrongs of the first rows are shown, the result is told, remarks can be downloaded."""
    browser = enter(desk, "writer")
    at = hand_in(browser)
    page = browser.get(at)
    assert "第3行，手机号：号码不对" in page.text
    at = take_in(browser)
    done = browser.get(at).text
    assert "导入完了" in done
    assert "新的 3 人" in done
    assert "3,手机号,号码不对" in browser.get(f"{at}/remarks.csv").text
    assert "能发短信 <b>2</b> 人，没有手机 1 人" in browser.get("/desk/contacts").text


def test_wrong_files_and_mappings_are_told(desk: SimpleNamespace) -> None:
    """A picture, a mapping without names: the reason, in plain words; a list can be given up."""
    browser = enter(desk, "writer")
    page = browser.get("/desk/contacts")
    answer = browser.post("/desk/contacts", data={"csrf": csrf_of(page)}, files={"file": ("x.png", b"\x89PNG\0\0")})
    assert (answer.status_code, "读不了" in answer.text) == (422, True)
    at = hand_in(browser)
    answer = browser.post(at, data={"csrf": csrf_of(browser.get(at)), "mode": "add", "phone": "1"})
    assert (answer.status_code, "哪一列是姓名" in answer.text) == (422, True)
    assert browser.post(at, data={"csrf": csrf_of(browser.get(at)), "give_up": "1"}).status_code == 303
    assert "已放弃" in browser.get(at).text


def test_the_whole_wizard_with_two_people(desk: SimpleNamespace) -> None:
    """Count, write, test to oneself, sign, send, pause, go on; the buttons say the number; afterwards the visit list."""
    writer, signer = enter(desk, "writer"), enter(desk, "signer")
    take_in(writer)
    counted = write(writer, count="1")
    assert "要发 <b>2</b> 条" in counted.text
    assert "没有手机 1人" in counted.text
    assert "莫小兰 138****0001" in counted.text
    at = write(writer).headers["location"]
    assert "起草的人不能自己审" in writer.get(at).text
    assert "符合条件但不发：没有手机 1人" in signer.get(at).text
    assert act(writer, at, "sign").status_code == 422
    assert act(writer, at, "test", phone="13700000000").status_code == 303
    assert "我审过了，同意发给2人" in signer.get(at).text
    assert act(signer, at, "sign").status_code == 303
    assert "现在发给2人" in writer.get(at).text
    assert act(writer, at, "start").status_code == 303
    assert act(writer, at, "start").status_code == 422
    assert act(writer, at, "pause").status_code == 303
    assert act(writer, at, "resume").status_code == 303
    assert desk.sending.round() == 2
    assert {message.to for message in desk.outbox.claim("sms", "me", 10)} == {
        "+8613700000000",
        "+8613800000001",
        "+8613900000002",
    }
    page = writer.get(at).text
    assert "在发送队列：<b>2</b>" in page
    visits = writer.get(f"{at}/visits.csv").text
    assert "莫志明,,没有手机" in visits
    assert "13800000001" not in visits
    assert "探花村" in writer.get(f"{at}/villages.csv").text
    assert "提醒" in writer.get("/desk/jobs").text
    with desk.site.database.read() as session:
        verbs = {(entry.verb, entry.kind) for entry in desk.site.audit.newest(session, 50)}
    assert {("write", "broadcast"), ("sign", "broadcast"), ("start", "broadcast"), ("export", "visits")} <= verbs


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"said": "看 http://a.cn"}, "网址"), ({"region": "450422"}, "辖区"), ({"quiet_days": "x"}, "天数"),
        ({"start_at": "tomorrow"}, "时间"), ({"category": "孤儿和事实无人抚养儿童"}, "一个人也发不到"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_and_nothing_is_lost(desk: SimpleNamespace, changes: dict[str, str], told: str) -> None:
    """The page comes back with what was filled in, and no broadcast was made."""
    writer = enter(desk, "writer")
    take_in(writer)
    answer = write(writer, title="别丢了我", **changes)
    assert answer.status_code == 422
    assert told in answer.text
    assert 'value="别丢了我"' in answer.text
    assert "还没有发过" in writer.get("/desk/broadcasts").text


def test_others_find_nothing_here(desk: SimpleNamespace) -> None:
    """Cadres get 404, another county's officer sees none of ours; forms without their token are refused; officers start here."""
    writer = enter(desk, "writer")
    at, listed = take_in(writer), None
    listed = write(writer).headers["location"]
    assert writer.get("/desk").headers["location"] == "/desk/broadcasts"
    for name in ("cadre", "neighbour"):
        other = enter(desk, name)
        assert other.get(at).status_code == other.get(listed).status_code == 404
    assert enter(desk, "cadre").get("/desk/broadcasts").status_code == 404
    assert writer.post(listed, data={"step": "start"}).status_code == 403
    assert act(writer, listed, "nonsense").status_code == 422


def test_what_waits_for_a_signature_can_be_dropped(desk: SimpleNamespace) -> None:
    """Then nobody signs it any more, and its money is free again."""
    writer, signer = enter(desk, "writer"), enter(desk, "signer")
    take_in(writer)
    at = write(writer).headers["location"]
    assert act(writer, at, "stop").status_code == 303
    assert "已停止" in writer.get(at).text
    assert act(signer, at, "sign").status_code == 422


def test_a_disaster_warning_is_for_named_people(desk: SimpleNamespace) -> None:
    """Others do not see the box, and are refused if they tick it all the same."""
    writer = enter(desk, "writer")
    take_in(writer)
    assert "灾害预警" not in writer.get("/desk/broadcasts/new").text
    assert "只有县里点名的人能发" in write(writer, mandatory="1").text
    with desk.site.database.begin() as session:
        session.query(accounts.Account).filter_by(username="writer").one().named = True
    assert "灾害预警" in writer.get("/desk/broadcasts/new").text
    at = write(writer, mandatory="1").headers["location"]
    assert "灾害预警" in writer.get(at).text


def test_awareness_is_ticked_at_the_door(desk: SimpleNamespace) -> None:
    """Of those who were texted about a sheet, in the cadre's own village; asked once; the officer sees the rate."""
    writer, signer, cadre = enter(desk, "writer"), enter(desk, "signer"), enter(desk, "cadre")
    take_in(writer)
    assert "还没有为哪张明白纸发过短信" in cadre.get("/desk/awareness").text
    at = write(writer, sheet="dibao").headers["location"]
    act(signer, at, "sign")
    act(writer, at, "start")
    desk.sending.round()
    claimed = desk.outbox.claim("sms", "me", 10)
    desk.outbox.complete("me", [(message, Outcome(Result.SENT)) for message in claimed])
    desk.sending.round()
    page = cadre.get("/desk/awareness?sheet=dibao")
    assert "莫小兰" in page.text
    assert "黄桂芳" not in page.text
    contact = re.search(r'name="contact" value="(\d+)"', page.text)
    assert contact is not None
    form = {"csrf": csrf_of(page), "contact": contact[1], "sheet": "dibao", "knew": "yes"}
    assert cadre.post("/desk/awareness", data={**form, "knew": "perhaps"}).status_code == 422
    assert cadre.post("/desk/awareness", data={**form, "sheet": "tekun"}).status_code == 404
    assert cadre.post("/desk/awareness", data={**form, "contact": str(int(contact[1]) + 10**6)}).status_code == 404
    assert cadre.post("/desk/awareness", data=form).status_code == 303
    assert "莫小兰" not in cadre.get("/desk/awareness").text
    assert "<td>1</td><td>1</td><td>100%</td>" in writer.get("/desk/awareness").text
    assert writer.post("/desk/awareness", data=form).status_code == 404
    assert "已经知道 1人" in write(writer, count="1", sheet="dibao", unaware="1", quiet_days="0").text
