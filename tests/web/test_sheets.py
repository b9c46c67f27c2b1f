"""A sheet's page, its print with a village's QR code, its PDF; a village's own page; the size of type."""

from __future__ import annotations

import io
import re
from types import SimpleNamespace

import pytest
from pypdf import PdfReader

from tests.checking import confirm_it
from tests.fakes import OTHER_VILLAGE, VILLAGE
from web.paper import Village, sheet_pdf

SHEET = "/sheets/45/dibao"
PDF_LIMIT = 400_000  # bytes: the font alone has 16 MB


def text_of(document: bytes) -> str:
    """The words of a PDF."""
    return "".join(plain(page.extract_text()) for page in PdfReader(io.BytesIO(document)).pages)


def test_the_page_has_no_code_without_a_village(pages: SimpleNamespace) -> None:
    """The code appears only for a village of the county."""
    assert "<svg" not in pages.villager.get(SHEET).text
    assert "<svg" in pages.villager.get(f"{SHEET}?village={VILLAGE}").text


@pytest.mark.parametrize("code", ["450481", "451031100201", "4504811002", "../../x", "'\"<b>", "4504811002011", "９"])
def test_a_foreign_village_gets_no_code(pages: SimpleNamespace, code: str) -> None:
    """Anything but a village of this county is as if nothing was said."""
    answer = pages.villager.get(SHEET, params={"village": code})
    assert answer.status_code == 200
    assert "<svg" not in answer.text
    assert "<b>" not in re.findall(r"<form.*?</form>", answer.text)


def test_the_code_is_drawn_without_inline_styles(pages: SimpleNamespace) -> None:
    """The content policy allows none."""
    page = pages.villager.get(f"{SHEET}?village={VILLAGE}").text
    assert "style=" not in page
    assert "探花村" in page


def test_the_pdf_says_what_the_page_says(pages: SimpleNamespace) -> None:
    """Title, sections, sources, whom to call; small; one for each village."""
    answer = pages.villager.get(f"{SHEET}.pdf")
    assert answer.headers["content-type"] == "application/pdf"
    assert len(answer.content) < PDF_LIMIT
    said = text_of(answer.content)
    for words in (
        "农村低保",
        "什么人能吃低保",
        "收入低的可以申请。",
        "桂2024年（S01）",
        "村委会",
        "政务热线12345",
        "桂民规〔2024〕1号",
    ):
        assert words in said
    assert PdfReader(io.BytesIO(answer.content)).metadata.title == "农村低保（明白纸）"
    with_code = pages.villager.get(f"{SHEET}.pdf?village={VILLAGE}").content
    assert "探花村" in text_of(with_code)
    assert with_code != pages.villager.get(f"{SHEET}.pdf?village={OTHER_VILLAGE}").content


def test_the_pdf_is_made_once(pages: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second reader gets the same document."""
    made: list[str] = []
    monkeypatch.setattr("web.sheets.sheet_pdf", lambda view, county, village: made.append("x") or b"%PDF")
    assert [pages.villager.get(f"{SHEET}.pdf").content for _ in range(3)] == [b"%PDF"] * 3
    assert made == ["x"]


def plain(text: str) -> str:
    """Without the blanks and zero bytes that pypdf reads between characters of a subset font."""
    return re.sub(r"[\s\0]", "", text)


def long_sheet() -> dict[str, object]:
    """A sheet of several pages, with what is hard to set: long numbers, punctuation at the end of lines, bold, lists."""
    body = ["这是很长的一段话，" * 30, ["一条**要紧**的事，打电话0774-8200001或者12345。" * 4, "第二条"]]
    section = {"key": "how", "title": "怎么申请低保", "short": "先找村委会。" * 6, "blocks": body, "sources": ["桂2024年（S01）"]}
    return {
        "title": "很长很长的标题" * 4, "region_name": "广西", "reviewed_on": "2026-11-23", "sections": [section] * 9,
        "contacts_text": ["村委会", "12345"], "effective_from": "2024-01-01", "effective_to": None, "issuer": "民政局",
        "document": "文件",
    }  # fmt: skip


def test_a_long_sheet_breaks_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers stay whole, no line begins with a comma, and every page says whom to call."""
    document = sheet_pdf(long_sheet(), "岑溪市", Village("岑城镇探花村", "https://mingbai.example/v/450481100201"))
    reader = PdfReader(io.BytesIO(document))
    assert len(reader.pages) > 2
    for page in reader.pages:
        lines = [plain(line) for line in page.extract_text().splitlines()]
        assert not [line for line in lines if line[:1] in "，。、；：！？）"]
        assert any("急救120" in line for line in lines)
    assert "0774-8200001" in text_of(document)


def test_the_chooser_lists_the_villages(pages: SimpleNamespace) -> None:
    """A page to choose the village for, without JavaScript."""
    page = pages.villager.get(f"{SHEET}/print").text
    assert f'<option value="{VILLAGE}">探花村</option>' in page
    assert f'formaction="{SHEET}.pdf"' in page


@pytest.mark.parametrize("path", ["/sheets/45/none", "/sheets/45/none.pdf", "/sheets/45/none/print", "/sheets/450481/dibao"])
def test_no_such_sheet(pages: SimpleNamespace, path: str) -> None:
    """A 404 page in Chinese."""
    answer = pages.villager.get(path)
    assert answer.status_code == 404
    assert "没有这一页" in answer.text


def test_a_village_has_its_page(pages: SimpleNamespace) -> None:
    """Place, people, ask and report; what is said next is said in this village."""
    page = pages.villager.get(f"/v/{VILLAGE}")
    assert "岑溪市岑城镇探花村" in page.text
    assert "tel:0774-8200001" in page.text
    assert pages.villager.post("/chat", data={"text": "我要报困难", "payload": "do:report_hardship"}).status_code == 303
    shown = pages.villager.get("/").text
    assert f'data-region="{VILLAGE}"' in shown
    assert "哪个村" not in shown


@pytest.mark.parametrize("code", ["450481", "450481100", "451031100201", "x", "450481100999"])
def test_other_codes_have_none(pages: SimpleNamespace, code: str) -> None:
    """Only villages of this county."""
    assert pages.villager.get(f"/v/{code}").status_code == 404


def test_large_type_is_kept(pages: SimpleNamespace) -> None:
    """A link without JavaScript, remembered by a cookie, on every page, until it is switched back."""
    assert 'class="large"' not in pages.villager.get("/sheets").text
    large = pages.villager.get(f"{SHEET}?village={VILLAGE}&type=large").text
    assert 'class="large"' in large
    assert f"?village={VILLAGE}&amp;type=normal" in large
    assert 'class="large"' in pages.villager.get("/").text
    pages.villager.get("/?type=normal")
    assert 'class="large"' not in pages.villager.get(SHEET).text
    assert 'class="large"' not in pages.villager.get(f"{SHEET}?type=<b>").text


def test_the_pre_check_is_offered_when_it_is_on(pages: SimpleNamespace) -> None:
    """Only when the county confirmed it."""
    assert f"{SHEET}/precheck" not in pages.villager.get(SHEET).text
    confirm_it(pages.site.database)
    assert f"{SHEET}/precheck" in pages.villager.get(SHEET).text
