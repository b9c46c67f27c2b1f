"""The desk's cases over HTTP: nothing from outside the place tree, the way to a decision through four roles, lists, typing in."""

from __future__ import annotations

import io
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient
from openpyxl import load_workbook
from pypdf import PdfReader

from cadres.case import Case, Details
from cadres.household import Line, take_in
from core.accounts import Account, add_account
from core.database import Database
from tests.cadres.test_sweep import excel
from tests.fakes import COUNTY, OTHER_VILLAGE, TOWN, VILLAGE
from tests.web.conftest import csrf_of
from web.desk import desk_router
from web.desk_reports import reports_router
from web.site import Site
from web.talks import talks_router

PEOPLE = {
    "grid": ("grid", VILLAGE), "village": ("village", VILLAGE), "town": ("town", TOWN), "county": ("county", COUNTY),
    "other": ("village", OTHER_VILLAGE), "elsewhere": ("county", "450482"), "editor": ("editor", COUNTY),
    "civil": ("department", COUNTY), "audit": ("audit", COUNTY), "admin": ("admin", COUNTY), "outreach": ("outreach", COUNTY),
}  # fmt: skip
EVENT = "住院花了五万，屋里揭不开锅"


@pytest.fixture
def desks(site: Site, database: Database):
    """Browsers of everybody, a case of the village, and its number."""
    from fastapi import FastAPI

    app = FastAPI()
    for router in (desk_router(site), reports_router(site), talks_router(site)):
        app.include_router(router)
    with database.begin() as session:
        for name, (role, region) in PEOPLE.items():
            add_account(session, name, f"{name}某", role, region, "a long password", unit="civil" if name == "civil" else "")
        case = site.cases.open(session, "web:c", VILLAGE, Details(EVENT, "探花村", "+8613912345678"), [("villager", EVENT)])
    browsers = {name: TestClient(app, follow_redirects=False) for name in PEOPLE}
    for name, browser in browsers.items():
        log_in(browser, name)
    return SimpleNamespace(**browsers, number=case.number, url=f"/desk/cases/{case.number}", id=case.id, site=site)


def log_in(browser: TestClient, name: str) -> None:
    """Log in, again where the last log-in ran out."""
    form = {"username": name, "password": "a long password", "csrf": csrf_of(browser.get("/desk/login"))}
    assert browser.post("/desk/login", data=form).status_code == 303


def token(browser: TestClient) -> str:
    """A token of one's own log-in."""
    return csrf_of(browser.get("/desk/password"))


def case_of(desks) -> Case:
    """The case as it is now."""
    with desks.site.database.read() as session:
        return session.get(Case, desks.id)


def do(desks, who: str, deed: str, **typed: str) -> int:
    """A deed over HTTP, from the page as it is."""
    browser: TestClient = getattr(desks, who)
    return browser.post(f"{desks.url}/do", data={"csrf": token(browser), "deed": deed, **typed}).status_code


OUTSIDE = ["other", "elsewhere", "editor", "civil", "audit", "admin", "outreach"]


@pytest.fixture
def entry(site: Site, desks):
    """The page that gives everybody a token: their password."""
    from web.desk_entry import entry_router

    desks.village.app.include_router(entry_router(site))
    return desks


@pytest.mark.parametrize("who", OUTSIDE)
def test_from_outside_the_tree_there_is_nothing(entry, who: str) -> None:
    """Every address of a case, list, search, assignment and deed: no word of it, and no change."""
    desks, browser = entry, getattr(entry, who)
    csrf = token(browser)
    assert browser.get(desks.url).status_code == 404
    for path in (f"{desks.url}?do=note", f"{desks.url}/file.pdf"):
        assert browser.get(path).status_code == 404
    for path, form in (
        ("do", {"deed": "advance"}), ("do", {"deed": "claim"}), ("do", {"deed": "note", "text": "x"}), ("accept", {}),
        ("reply", {"text": "x"}), ("talk", {}), ("seen", {}),
    ):  # fmt: skip
        assert browser.post(f"{desks.url}/{path}", data={"csrf": csrf, **form}).status_code == 404, path
    for path in (
        "/desk",
        "/desk?folder=all",
        f"/desk/search?q={desks.number}",
        "/desk/search?q=13912345678",
        "/desk/search?q=住院",
        "/desk/bar",
    ):
        page = browser.get(path)
        assert "五万" not in page.text, path
        assert f">{desks.number}<" not in page.text, path
    answer = browser.post(
        "/desk/assign", data={"csrf": csrf, "ids": str(desks.id), "to": "1", "folder": "all", "everything": "1"}
    )
    assert answer.status_code in (303, 404, 422)
    case = case_of(desks)
    assert (case.state, case.assignee_id) == ("reported", None)


def test_the_way_to_a_decision_through_four_roles(entry, monkeypatch: pytest.MonkeyPatch) -> None:
    """From report to the file, each step with its form on the page; the villager hears of the acceptance and of the end."""
    from datetime import timedelta

    from core import clock

    desks, real, shift = entry, clock.now, timedelta()
    monkeypatch.setattr(clock, "now", lambda: real() + shift)
    assert (
        desks.village.post(f"{desks.url}/accept", data={"csrf": token(desks.village)}).headers["location"].endswith("done=accept")
    )
    page = desks.grid.get(desks.url).text
    assert "这一步：入户核查" in page
    visit = {"authorised": "signed", "people": "4", "risk": "illness", "found": "两人住院"}
    assert do(desks, "grid", "advance", **visit) == 422
    again = desks.grid.post(f"{desks.url}/do", data={"csrf": token(desks.grid), "deed": "advance", **visit})
    assert "“哪天去的”没有填" in again.text
    assert "两人住院" in again.text  # what was typed is kept
    assert do(desks, "town", "advance", visited_on=clock.today().isoformat(), **visit) == 303
    assert do(desks, "village", "advance", result="clear") == 403
    assert do(desks, "town", "advance", result="clear") == 303
    shift = timedelta(days=6)
    for name in ("village", "town", "county"):
        log_in(getattr(desks, name), name)
    days = {
        "met_on": (clock.today() - timedelta(days=5)).isoformat(),
        "posted_on": (clock.today() - timedelta(days=5)).isoformat(),
    }
    assert do(desks, "village", "advance", present="12", opinion="admit", objections="没有", **days) == 303
    assert do(desks, "town", "advance", sampled="visited", opinion="admit", reason="属实") == 303
    assert do(desks, "town", "advance", decision="admit", kind="sudden") == 403
    assert do(desks, "county", "advance", decision="admit", kind="sudden") == 303
    assert do(desks, "village", "advance", official_number="45048100001", helper="李某", measures="医疗救助") == 303
    page = desks.county.get(desks.url).text
    assert "已纳入" in page
    assert "45048100001" in page
    assert page.count("办完：") == 7
    with desks.site.database.read() as session:
        said = [line.text for line in desks.site.cases.messages(session, session.get(Case, desks.id))]
        assert desks.site.audit.verify(session).is_sound
        deeds = {entry.verb for entry in desks.site.audit.of(session, "case", desks.id)}
    assert "已经受理" in said[1]
    assert "李某" in said[2]
    assert deeds == {"view", "advance"}


def test_who_looked_is_on_the_page(entry) -> None:
    """The case says who has looked at it, and who else looks just now."""
    desks = entry
    desks.town.get(desks.url)
    page = desks.village.get(desks.url).text
    assert "town某（乡镇）" in page
    assert "现在也在看：town某（乡镇）" in page


def test_the_four_big_buttons(entry) -> None:
    """Each leads to its form, and the form writes it down."""
    desks = entry
    desks.village.post(f"{desks.url}/accept", data={"csrf": token(desks.village)})
    page = desks.village.get(desks.url).text
    for deed, title in (("phoned", "打过电话"), ("visited", "去看过"), ("up", "要镇里管"), ("refer", "转部门")):
        assert f'href="{desks.url}?do={deed}#doing">{title}</a>' in page
        assert 'id="doing"' in desks.village.get(f"{desks.url}?do={deed}").text
    assert do(desks, "village", "phoned", text="打通了，约明天") == 303
    assert do(desks, "village", "visited", happened_at="昨天", text="去了") == 422
    assert do(desks, "village", "refer", unit="civil", question="请核低保") == 303
    assert "请核低保" in desks.civil.get("/desk/referrals").text
    assert "五万" not in desks.civil.get("/desk/referrals").text
    action = re.search(r'action="(/desk/referrals/\d+)"', desks.civil.get("/desk/referrals").text)[1]
    assert desks.civil.post(action, data={"csrf": token(desks.civil), "text": "在享低保"}).status_code == 303
    assert desks.village.post(action, data={"csrf": token(desks.village), "text": "x"}).status_code == 404
    page = desks.village.get(desks.url).text
    assert "在享低保" in page
    assert "打通了，约明天" in page


def test_a_stale_form_is_refused(entry) -> None:
    """Two open the same step; the second is told to look again, and nothing is done twice."""
    desks = entry
    desks.village.post(f"{desks.url}/accept", data={"csrf": token(desks.village)})
    assert do(desks, "town", "withdraw", reason="弄错了", seen="reported") == 409
    assert case_of(desks).state == "accepted"


def test_a_form_without_its_token_is_refused(entry) -> None:
    """No deed, reply, assignment or new case without the log-in's own token."""
    desks = entry
    for path in (
        f"{desks.url}/do",
        f"{desks.url}/accept",
        f"{desks.url}/reply",
        "/desk/assign",
        "/desk/assign/undo",
        "/desk/new",
    ):
        assert desks.village.post(path, data={"deed": "claim", "text": "x", "csrf": "x"}).status_code == 403, path
    assert case_of(desks).assignee_id is None


def test_many_are_handed_out_and_taken_back(entry, site: Site) -> None:
    """Ticked ones or the whole folder; the page offers to undo it."""
    desks = entry
    with site.database.begin() as session:
        for _ in range(3):
            site.cases.open(session, "c", VILLAGE, Details("断水"), [("villager", "断水")])
        to = session.query(Account).filter_by(username="grid").one().id
    form = {"csrf": token(desks.town), "to": str(to), "folder": "unclaimed", "everything": "1"}
    done = desks.town.post("/desk/assign", data=form)
    page = desks.town.get(done.headers["location"]).text
    assert "分出去了 4 件" in page
    assert case_of(desks).assignee_id == to
    batch = re.search(r'name="batch" value="(\d+)"', page)[1]
    assert desks.village.post("/desk/assign/undo", data={"csrf": token(desks.village), "batch": batch}).status_code == 409
    assert desks.town.post("/desk/assign/undo", data={"csrf": token(desks.town), "batch": batch}).status_code == 303
    assert case_of(desks).assignee_id is None
    assert desks.town.post("/desk/assign", data={**form, "to": "999999"}).status_code == 422


def test_a_walk_in_is_typed_in(entry) -> None:
    """Village, what happened, how it came; what is wrong is said beside the field, what was typed stays."""
    desks = entry
    form = {
        "csrf": token(desks.village),
        "region": VILLAGE,
        "event": "房子漏雨",
        "name": "覃建国",
        "phone": "139",
        "origin": "12345",
    }
    wrong = desks.village.post("/desk/new", data={**form, "region": OTHER_VILLAGE})
    assert wrong.status_code == 422
    for said in ("请选您辖区里的一个村", "电话号码不对", "热线转来的，要填单号", "房子漏雨"):
        assert said in wrong.text
    right = desks.village.post("/desk/new", data={**form, "phone": "13800138000", "outside_number": "G2026-1"})
    page = desks.village.get(right.headers["location"]).text
    assert "覃建国" in page
    assert "12345转来，单号 G2026-1" in page
    assert "回复村民" not in page  # nobody is at the other end
    assert desks.village.get("/desk/search?q=覃建国").text.count("房子漏雨") == 1


def test_a_reply_from_the_canned_ones(entry, site: Site) -> None:
    """The chosen text is filled in, may be changed, and reaches the villager."""
    desks = entry
    page = desks.village.get(f"{desks.url}?reply=visit").text
    assert f"您报的{desks.number}，岑溪市岑城镇探花村这两天上门来看" in page
    assert desks.village.post(f"{desks.url}/reply", data={"csrf": token(desks.village), "text": "明天上午来"}).status_code == 303
    assert "明天上午来" in desks.village.get(desks.url).text
    assert "明天上午来" in "".join(line.text for line in site.journal.lines("web:c"))


def test_lists_and_pages_hold_out(entry) -> None:
    """Every folder opens; nonsense in an address is no error of ours."""
    desks = entry
    for folder in ("open", "mine", "unclaimed", "urgent", "soon", "overdue", "called", "all"):
        assert desks.county.get(f"/desk?folder={folder}").status_code == 200
    assert desks.county.get("/desk?page=-5").status_code == 200
    assert desks.county.get("/desk?page=99999999999999999999").status_code == 200
    assert desks.county.get("/desk?folder=nothing").status_code == 422
    for path in ("?do=nothing", "?do=reopen", "?reply=nothing", "?done=nothing"):
        assert desks.county.get(desks.url + path).status_code == 200


def test_the_ledger_and_the_file_are_taken_out(entry, site: Site, tmp_path: Path) -> None:
    """Excel for a day and PDF, masked, marked with who took them, in the audit log; from outside the tree nothing."""
    desks = entry
    assert "台账" in desks.county.get("/desk/ledger").text
    excel = desks.county.get("/desk/ledger.xlsx")
    (tmp_path / "ledger.xlsx").write_bytes(excel.content)
    rows = list(load_workbook(tmp_path / "ledger.xlsx").active.iter_rows(values_only=True))
    assert "county某" in rows[0][0]
    assert rows[2][0] == desks.number
    assert desks.county.get("/desk/ledger.xlsx?on=2999-01-01").status_code == 422
    assert desks.county.get("/desk/ledger.xlsx?on=gestern").status_code == 422
    pdf = desks.village.get(f"{desks.url}/file.pdf")
    words = "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf.content)).pages).replace("\x00", "")
    assert desks.number in words
    assert "139****5678" in words
    assert "13912345678" not in words
    for who in ("grid", *OUTSIDE[2:]):
        assert getattr(desks, who).get("/desk/ledger.xlsx").status_code == 404
    for who in ("other", "elsewhere"):
        (tmp_path / "theirs.xlsx").write_bytes(getattr(desks, who).get("/desk/ledger.xlsx").content)
        assert len(list(load_workbook(tmp_path / "theirs.xlsx").active.iter_rows())) == 2
    with site.database.read() as session:
        assert [entry.verb for entry in site.audit.newest(session, 30)].count("export") == 4


def test_the_dashboard(entry) -> None:
    """The place's numbers with the way down; another place's are not there; the auditor draws refusals."""
    desks = entry
    page = desks.county.get("/desk/figures").text
    assert f"/desk/figures?region={TOWN}" in page
    assert "没有声音的村" in page
    assert desks.county.get(f"/desk/figures?region={VILLAGE}").status_code == 200
    assert desks.county.get("/desk/figures?since=gestern").status_code == 422
    for who, region in (
        ("town", COUNTY),
        ("county", "450482"),
        ("county", "x"),
        ("village", OTHER_VILLAGE),
        ("grid", ""),
        ("audit", ""),
    ):
        assert getattr(desks, who).get(f"/desk/figures?region={region}").status_code == 404, who
    assert "还没有不纳入的" in desks.audit.get("/desk/refusals").text
    assert desks.county.get("/desk/refusals").status_code == 404


def test_a_sweep_on_the_desk(entry, site: Site) -> None:
    """The county opens it, the grid member looks at the household and finds a risk, the case is there; nobody else sees it."""
    desks = entry
    with site.database.begin() as session:
        take_in(session, site.vault, [Line(VILLAGE, "H1", "覃建国", "+8613800138001", 4)])
    opened = desks.county.post(
        "/desk/sweeps", data={"csrf": token(desks.county), "region": COUNTY, "title": "集中排查", "days": "15"}
    )
    url = opened.headers["location"]
    assert "集中排查" in desks.grid.get("/desk/sweeps").text
    page = desks.grid.get(url).text
    assert "覃建国" in page
    household = re.search(r'name="household" value="(\d+)"', page)[1]
    for who in OUTSIDE[1:]:
        assert getattr(desks, who).get(url).status_code == 404, who
    assert "覃建国" not in desks.other.get(url).text
    form = {"household": household, "result": "risk", "found": "刚做了手术"}
    assert desks.other.post(f"{url}/check", data={"csrf": token(desks.other), **form}).status_code == 404
    assert desks.grid.post(f"{url}/check", data={"csrf": "x", **form}).status_code == 403
    done = desks.grid.post(f"{url}/check", data={"csrf": token(desks.grid), **form})
    page = desks.grid.get(done.headers["location"]).text
    case = re.search(r'href="(/desk/cases/\d+)"', page)[1]
    assert "排查发现" in desks.village.get(case).text
    assert desks.grid.post(f"{url}/check", data={"csrf": token(desks.grid), **form}).status_code == 409
    assert desks.county.post(f"{url}/close", data={"csrf": token(desks.county)}).status_code == 303


def test_a_department_sends_its_warnings(entry, tmp_path: Path) -> None:
    """A good list is routed, of a bad one each line is named; the department sees numbers, not the cases; nobody else can."""
    desks = entry
    titles = ["村代码", "户编号", "户主", "事由"]
    good = excel(tmp_path, [[VILLAGE, "", "覃建国", "自付9295元"]], titles).read_bytes()
    bad = excel(tmp_path, [["450482100201", "", "某", "x"]], titles).read_bytes()

    def send(browser: TestClient, content: bytes, csrf: str = "") -> object:
        return browser.post(
            "/desk/referrals/warnings", data={"csrf": csrf or token(browser)}, files={"file": ("x.xlsx", content)}
        )

    assert "第2行：村代码“450482100201”不是您这里的村" in send(desks.civil, bad).text
    assert send(desks.civil, b"nonsense").status_code == 422
    assert send(desks.civil, good, "x").status_code == 403
    assert "新报 1 件，并到在办的 0 件" in send(desks.civil, good).text
    assert "自付9295元" in desks.village.get("/desk").text
    assert "自付9295元" not in desks.other.get("/desk").text
    for who in ("village", "county", "audit"):
        assert send(getattr(desks, who), good).status_code == 404
