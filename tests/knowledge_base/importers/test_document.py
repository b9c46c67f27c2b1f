"""Documents as offices have them: made here with the real libraries, read back into drafts."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from hypothesis import given
from hypothesis import strategies as st

from core.errors import MingbaiError
from knowledge_base.importers import Unreadable, read_document
from knowledge_base.importers.document import SIZE_LIMIT, TooBig
from knowledge_base.sheet import parse_text
from tests.fakes import sheet_text

TEXT = "农村低保办法\n一、申请条件\n家里收入低过低保线的，可以申请。\n二、申请材料\n户口簿、身份证。\n"


def word() -> bytes:
    """A Word file with headings, a list and a table."""
    document = Document()
    document.add_heading("农村低保办法", 0)
    document.add_heading("申请条件", 1)
    document.add_paragraph("家里收入低过低保线的，可以申请。")
    document.add_paragraph("有本地户口", style="List Bullet")
    document.add_heading("办理流程", 1)
    table = document.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "交表", "村委会"
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def pdf(*paragraphs: str, **more: Any) -> bytes:
    """A PDF with a text layer in a Chinese font."""
    import cvttf_NotoSansCJK_Regular as noto  # the font comes as a package
    from fpdf import FPDF

    font = next(Path(noto.__file__).parent.glob("*.otf"))
    document = FPDF()
    document.add_page()
    document.add_font("noto", fname=font)
    document.set_font("noto", size=14)
    for paragraph in paragraphs:
        document.multi_cell(0, 8, paragraph, new_x="LMARGIN", new_y="NEXT")
    if "password" in more:
        document.set_encryption(owner_password="o", user_password=more["password"])
    return bytes(document.output())


def test_word_keeps_headings_lists_and_tables() -> None:
    """A Word file's headings become sections with a guessed aspect, its list and table become items."""
    text = read_document("x.docx", word()).text
    assert 'title: "农村低保办法"' in text
    assert "## eligibility — 申请条件\nshort: 家里收入低过低保线的，可以申请。" in text
    assert "- 有本地户口" in text
    assert "## how — 办理流程" in text
    assert "- 交表，村委会" in text


def test_html_keeps_what_is_read_and_drops_menus() -> None:
    """Of a web page in GBK its headings, paragraphs, items and tables are kept, not its menu and scripts; 繁體 is turned."""
    page = (
        "<!doctype html><html><head><meta charset=gbk><title>醫療救助</title><script>alert(1)</script></head><body>"
        "<nav><li>首页</li></nav><h1>农村醫療救助</h1><h2>要带什么材料</h2><p>身份证。</p><ul><li>户口本</li></ul>"
        "<table><tr><td>甲</td><td>乙</td></tr></table><footer>备案</footer></body></html>"
    )
    read = read_document("a.html", page.encode("gbk"))
    assert 'title: "农村医疗救助"' in read.text
    assert "## materials — 要带什么材料" in read.text
    assert "- 户口本\n- 甲，乙" in read.text
    assert all(gone not in read.text for gone in ("首页", "alert", "备案"))
    assert any("繁体" in note for note in read.notes)


def test_pdf_joins_the_lines_that_the_page_broke() -> None:
    """Paragraphs of a PDF come whole, numbered headings become sections."""
    long = "家里收入低过当地低保线，存款和房子也合规定的，可以向户口所在的乡镇申请，走不动的可以请村委会代办，不收一分钱。"
    text = read_document("x.pdf", pdf("一、申请条件", long * 2, "二、申请材料", "户口簿、身份证。")).text
    assert "## eligibility — 申请条件" in text
    assert long * 2 in text
    assert "## materials — 申请材料" in text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
def test_text_is_read_in_each_encoding(encoding: str) -> None:
    """UTF-8 with and without mark, GB18030, and what Windows calls Unicode."""
    text = read_document("低保.txt", TEXT.encode(encoding)).text
    assert 'title: "农村低保办法"' in text
    assert "## eligibility — 申请条件" in text


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_damage_is_reported_with_its_place(encoding: str) -> None:
    """A byte that is no character is named by line and by what stands before it."""
    before, after = "第一行\n第二行低保标准为".encode(encoding), "元，请到村委会去问。\n".encode(encoding) * 5
    with pytest.raises(Unreadable, match=r"第2行「第二行低保标准为」后面的字坏了.*另存为 UTF-8"):
        read_document("x.txt", before + b"\xff\xff" + after)


def test_damage_of_the_past_is_reported_too() -> None:
    """A text that was saved with replacement marks is not taken as if it were whole."""
    with pytest.raises(Unreadable, match="第2行「标准」后面"):
        read_document("x.txt", "一\n标准\ufffd\ufffd元".encode())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 100, "docx"),
        (b"\x89PNG\r\n", "图片"),
        (b"PK\x03\x04broken", "坏了"),
        (b"%PDF-1.7 broken", "坏了"),
        (b"  \n", "没有文字"),
    ],
)
def test_what_cannot_be_read_says_what_to_do(content: bytes, said: str) -> None:
    """Old Word files, pictures, broken and empty files are refused in Chinese, with the way out."""
    with pytest.raises(Unreadable, match=said):
        read_document("x", content)


def test_a_packed_file_that_is_not_word() -> None:
    """Another zip is told apart by its content, whatever its name."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("xl/workbook.xml", "<x/>")
    with pytest.raises(Unreadable, match="不是 Word"):
        read_document("x.docx", out.getvalue())


def test_a_bomb_is_not_unpacked() -> None:
    """A small file that would unpack to hundreds of megabytes, and a file that is too big, are refused."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("word/document.xml", b"0" * (11 * SIZE_LIMIT))
    for content in (out.getvalue(), b"x" * (SIZE_LIMIT + 1)):
        with pytest.raises(TooBig):
            read_document("x.docx", content)


def test_a_scan_and_a_locked_pdf_are_told(tmp_path: Path) -> None:
    """A PDF without text is a scan; one with a password cannot be opened."""
    with pytest.raises(Unreadable, match="扫描"):
        read_document("x.pdf", pdf())
    with pytest.raises(Unreadable, match="密码"):
        read_document("x.pdf", pdf("低保", password="p"))


def test_a_sheet_stays_as_it_is() -> None:
    """Markdown that is a sheet already is taken whole."""
    assert read_document("dibao.md", sheet_text().encode()).text == sheet_text()


def test_a_filled_in_draft_is_a_sheet() -> None:
    """Once the blanks of an imported draft are filled in, the strict parser takes it."""
    text = read_document("x.docx", word()).text
    text = text.replace("id: 待填", "id: dibao").replace("effective_from: 待填", "effective_from: 2024-01-01")
    sheet = parse_text(text.replace("待填", "县民政局"))
    assert [section.key for section in sheet.sections] == ["eligibility", "how"]


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    """No bytes raise anything but an error with a Chinese message."""
    try:
        read_document("x", content)
    except MingbaiError as error:
        said = str(error)
    else:
        return
    assert not said.isascii()
