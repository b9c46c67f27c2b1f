"""一码通: a poster's code leads to its village; the desk makes, prints, counts and replaces codes of its own place."""

from __future__ import annotations

import io
import re
from types import SimpleNamespace

from pypdf import PdfReader

from core.village_code import codes_below, issue
from tests.fakes import COUNTY, OTHER_VILLAGE, TOWN, VILLAGE
from tests.web.conftest import at_the_desk, csrf_of
from web.poster import Poster, posters_pdf


def token_of(pages: SimpleNamespace, village: str = VILLAGE) -> str:
    """A code that is in force."""
    with pages.site.database.begin() as session:
        issue(session, [village])
        return codes_below(session, village)[0].token


def test_a_scan_leads_to_the_village(pages: SimpleNamespace) -> None:
    """And is counted; a stranger's code is none."""
    token = token_of(pages)
    answer = pages.villager.get(f"/c/{token}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/v/{VILLAGE}")
    page = pages.villager.get(answer.headers["location"])
    assert "莫某" in page.text
    assert f"/v/{VILLAGE}/report" in page.text
    for strange in ("aaaaaaaa", "x", "%00", "../etc"):
        assert pages.villager.get(f"/c/{strange}").status_code == 404
    with pages.site.database.read() as session:
        assert codes_below(session, VILLAGE)[0].scans == 1


def test_the_desk_makes_and_replaces_codes(pages: SimpleNamespace) -> None:
    """A township makes all of its own at once; what is replaced or stopped says so in kind words."""
    desk = at_the_desk(pages, "town")
    page = desk.get("/desk/codes")
    csrf = csrf_of(page)
    assert desk.post("/desk/codes", data={"csrf": "wrong"}).status_code == 403
    assert desk.post("/desk/codes", data={"csrf": csrf}).status_code == 303
    with pages.site.database.read() as session:
        made = codes_below(session, COUNTY)
    assert {code.village for code in made} == {
        place.code for place in pages.site.regions.children(TOWN) if place.level == "village"
    }
    page = desk.get("/desk/codes")
    assert made[0].token in page.text
    assert "没有码" not in page.text
    for deed, code in (("reissue", made[0]), ("revoke", made[1])):
        assert desk.post(f"/desk/codes/{code.token}/{deed}", data={"csrf": csrf}).status_code == 303
        gone = pages.villager.get(f"/c/{code.token}")
        assert gone.status_code == 410
        assert "已经换了" in gone.text
        assert desk.post(f"/desk/codes/{code.token}/{deed}", data={"csrf": csrf}).status_code == 404
    assert desk.post(f"/desk/codes/{made[2].token}/eat", data={"csrf": csrf}).status_code == 404
    with pages.site.database.read() as session:
        assert len(codes_below(session, COUNTY)) == len(made) - 1


def test_codes_of_another_place_do_not_exist(pages: SimpleNamespace) -> None:
    """A village sees and changes its own; who keeps sheets sees none."""
    other, own = token_of(pages, OTHER_VILLAGE), token_of(pages)
    desk = at_the_desk(pages, "village")
    page = desk.get("/desk/codes")
    assert own in page.text
    assert other not in page.text
    assert desk.post(f"/desk/codes/{other}/revoke", data={"csrf": csrf_of(page)}).status_code == 404
    assert desk.get("/desk/codes/posters.pdf", params={"place": OTHER_VILLAGE}).status_code == 404
    assert desk.get("/desk/codes/posters.pdf", params={"place": ""}).status_code == 404
    assert at_the_desk(pages, "editor").get("/desk/codes").status_code == 404
    assert pages.villager.get("/desk/codes").status_code == 303


def test_a_poster(pages: SimpleNamespace) -> None:
    """One page a village: its name, whom to call, the address that the code holds, no money."""
    token = token_of(pages)
    answer = at_the_desk(pages, "village").get("/desk/codes/posters.pdf", params={"place": VILLAGE})
    assert answer.headers["content-type"] == "application/pdf"
    [page] = PdfReader(io.BytesIO(answer.content)).pages
    said = re.sub(r"[\s\x00]", "", page.extract_text())
    for words in ("探花村", "莫某", "0774-8200001", f"mingbai.example/c/{token}", "不收钱，不要银行卡", "12317", "120"):
        assert words in said
    assert len(page.images) == 1
    assert abs(float(page.mediabox.width) - 595) < 2


def test_a_poster_of_a_long_name_stays_on_its_page() -> None:
    """The longest names and contacts leave one page; the number for SMS stands where there is one."""
    long = Poster("某某某易地扶贫搬迁安置社区居民委员会", "隆林各族自治县", "https://" + "a" * 60 + ".gov.cn/c/abcdefgh",
                  ("村级信息员某某某（示例） 0774-8200001",) * 3, sms="+85230000000")  # fmt: skip
    [page] = PdfReader(io.BytesIO(posters_pdf([long]))).pages
    said = re.sub(r"[\s\x00]", "", page.extract_text())
    heights: list[float] = []
    page.extract_text(visitor_text=lambda text, cm, tm, *_: heights.append(tm[5]) if text.strip() else None)
    assert min(heights) > 15
    assert "也可以发短信到：+85230000000" in said
    assert "扫出来不是它" in said
