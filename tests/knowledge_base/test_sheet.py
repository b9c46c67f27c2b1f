"""The sheet's format: what is read, and every refusal with its line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge_base.sheet import ASPECTS, SHORT_LIMIT, MalformedSheet, load_sheets, parse_sheet
from knowledge_base.source import Source
from tests.fakes import parsed, section_text, sheet_text, write_sheet

GOOD = sheet_text()
# lines of GOOD: 1 ---, 2 id, 3 title, 4 region, 5 issuer, 6 document, 7 effective_from, 8 reviewed_on, 9 contacts, 10 ---,
# 11 heading, 12 short, 13 asked as, 14 source, 15 blank, 16 body


def test_a_sheet_is_read_whole(tmp_path: Path) -> None:
    """Front matter and sections come through with their types."""
    sheet = parsed(tmp_path, sheet_text(effective_to="2026-12-31"))
    assert (sheet.id, sheet.region, sheet.contacts) == ("dibao", "45", ["village", "12345"])
    assert (sheet.effective_from, sheet.effective_to) == (date(2024, 1, 1), date(2026, 12, 31))
    section = sheet.section("how")
    assert section is not None
    assert (section.aspect, section.title, section.short) == ("how", "怎么申请", "到村里申请。")
    assert section.asked == ["低保怎么申请", "低保去哪里办"]
    assert section.sources == [Source("已核", "S01", "2024", "桂")]
    assert section.body == "先到村委会。"
    assert sheet.section("benefit") is None


def test_a_section_may_have_a_slug(tmp_path: Path) -> None:
    """A further section of an aspect has a key of its own and the same aspect."""
    sheet = parsed(tmp_path, GOOD + section_text("how.again", "再办一次"))
    assert [(section.key, section.aspect) for section in sheet.sections] == [("how", "how"), ("how.again", "how")]


def test_windows_line_ends_are_read(tmp_path: Path) -> None:
    """A sheet saved with CRLF is the same sheet."""
    file = write_sheet(tmp_path, GOOD)
    expected = parse_sheet(file)
    file.write_bytes(GOOD.replace("\n", "\r\n").encode())
    assert parse_sheet(file) == expected


def test_blocks_are_paragraphs_and_lists(tmp_path: Path) -> None:
    """Lines become paragraphs, and neighbouring lines with a dash one list."""
    sheet = parsed(tmp_path, sheet_text(sections=section_text(body="先讲：\n- 一\n- 二\n\n再讲。\n- 三")))
    assert sheet.sections[0].blocks == ["先讲：", ["一", "二"], "再讲。", ["三"]]


@pytest.mark.parametrize(
    ("written", "sources"),
    [
        ("[已核 S01]", [Source("已核", "S01")]),
        ("[已核 S123b 2024-05 外·江西]", [Source("已核", "S123b", "2024-05", "外·江西")]),
        ("[已核 S41 外·安徽]", [Source("已核", "S41", "", "外·安徽")]),
        ("[常识 待核]", [Source("待核")]),
        ("[已核 S01 2024 桂] [常识 待核]", [Source("已核", "S01", "2024", "桂"), Source("待核")]),
    ],
)
def test_sources_are_read(tmp_path: Path, written: str, sources: list[Source]) -> None:
    """Each form of a source is read with what it says."""
    assert parsed(tmp_path, GOOD.replace("[已核 S01 2024 桂]", written)).sections[0].sources == sources


def test_a_source_speaks_plainly() -> None:
    """A seen source names place, year and number, general knowledge sends to the village."""
    assert Source("已核", "S40", "2022", "外·江西").label == "外·江西2022年（S40）"
    assert "以村里、镇里最新通知为准" in Source("待核").label


@pytest.mark.parametrize(
    ("wrong", "line", "reason"),
    [
        (GOOD.removeprefix("---\n"), 1, "两行「---」"),
        (GOOD.replace("---\n## ", "## "), 1, "两行「---」"),
        ("", 1, "两行「---」"),
        ("---", 1, "两行「---」"),
        (GOOD.replace("title: 农村低保", "title: [农村低保"), 2, "写法不对"),
        ("---\n---\n" + section_text(), 2, "是空的"),
        ("---\n- a\n---\n" + section_text(), 2, "是空的"),
        (GOOD.replace("issuer:", "author: x\nissuer:"), 5, "不认识的项「author」"),
        (GOOD.replace("issuer: 县民政局\n", ""), 1, "缺少「issuer」"),
        (GOOD.replace("issuer: 县民政局", "issuer:"), 1, "缺少「issuer」"),
        (GOOD.replace('contacts: [village, "12345"]', "contacts: []"), 1, "缺少「contacts」"),
        (GOOD.replace('contacts: [village, "12345"]', "contacts: village"), 9, "要写成列表"),
        (GOOD.replace("2024-01-01", "去年"), 7, "不是日期"),
        (GOOD.replace("2024-01-01", "2024-01-01 10:00:00"), 7, "不是日期"),
        (GOOD.replace("2024-01-01", "2024"), 7, "不是日期"),
        (GOOD.replace("2026-01-02", '"2026-01-02"'), 8, "不是日期"),
        (GOOD.replace("2024-01-01", "2024-13-45"), 2, "写法不对"),
        (GOOD.replace("title: 农村低保", 'title: !!int ""'), 2, "写法不对"),
        (GOOD.replace("title: 农村低保", "title: !!timestamp x"), 2, "写法不对"),
        (GOOD.replace("title: 农村低保", "title: " + "9" * 5000), 2, "写法不对"),
        (GOOD.replace("title: 农村低保", "title: " + "[" * 1200), 2, "写法不对"),
        (GOOD.replace("reviewed_on:", "effective_to: 2023-12-31\nreviewed_on:"), 8, "早于"),
        (GOOD.replace('region: "45"', 'region: "44"'), 4, "region 要写"),
        (GOOD.replace('region: "45"', 'region: "450481100"'), 4, "region 要写"),
        (GOOD.replace("---\n## ", "---\n想到什么写什么\n## "), 11, "第一节之前"),
        (sheet_text(sections=""), 11, "至少要有一节"),
        (GOOD.replace("## how", "# how"), 11, "标题要写成"),
        (GOOD.replace("## how — 怎么申请", "## how - 怎么申请"), 11, "标题要写成"),
        (GOOD.replace("## how — 怎么申请", "## how — "), 11, "标题要写成"),
        (GOOD.replace("## how", "## How"), 11, "标题要写成"),
        (GOOD.replace("## how", "## why"), 11, "不认识的方面「why」"),
        (GOOD + section_text(), 18, "有两个"),
        (GOOD.replace("short: 到村里申请。\n", ""), 12, "应当是「short: …」"),
        (GOOD.replace("short: 到村里申请。", "short:  "), 12, "应当是「short: …」"),
        (GOOD.replace("short: 到村里申请。", "short: " + "长" * (SHORT_LIMIT + 1)), 12, "81个字，最多80个字"),
        (GOOD.replace("asked as:", "asked:"), 13, "应当是「asked as: …」"),
        (GOOD.replace("source: [已核 S01 2024 桂]\n", ""), 14, "应当是「source: …」"),
        (GOOD.replace("[已核 S01 2024 桂]", "听讲的"), 14, "source 要写成"),
        (GOOD.replace("[已核 S01 2024 桂]", "[已核 S01 2024 桂] 听讲的"), 14, "source 要写成"),
        (GOOD.replace("[已核 S01 2024 桂]", "[待核]"), 14, "source 要写成"),
        (GOOD.replace("[已核 S01 2024 桂]", "[已核 1]"), 14, "source 要写成"),
        (GOOD.replace("先到村委会。", " "), 11, "没有正文"),
        (GOOD.split("short:")[0], 12, "应当是「short: …」"),
    ],
)  # fmt: skip
def test_each_refusal_names_file_line_and_reason(tmp_path: Path, wrong: str, line: int, reason: str) -> None:
    """What breaks the format is refused with the line where an editor has to look."""
    with pytest.raises(MalformedSheet) as caught:
        parsed(tmp_path, wrong)
    assert (caught.value.line, reason in caught.value.reason) == (line, True), caught.value.reason
    assert f"dibao.md:{line}: " in str(caught.value)


def test_a_section_without_any_question_is_refused(tmp_path: Path) -> None:
    """A line of bars only holds no question to be found by."""
    with pytest.raises(MalformedSheet) as caught:
        parsed(tmp_path, GOOD.replace("低保怎么申请 | 低保去哪里办", "| |"))
    assert caught.value.line == 13


def test_what_is_not_utf8_is_refused(tmp_path: Path) -> None:
    """A file in GBK is refused with the place of the first wrong byte."""
    file = write_sheet(tmp_path, "")
    file.write_bytes("---\nid: 低保".encode("gbk"))
    with pytest.raises(MalformedSheet, match=r"dibao\.md:1: 不是 UTF-8 编码（第8个字节）"):
        parse_sheet(file)


@pytest.mark.parametrize(("region", "name"), [("450481", "dibao"), ("45", "medical")])
def test_the_path_must_say_the_same(tmp_path: Path, region: str, name: str) -> None:
    """A sheet in another region's directory or under another name is refused."""
    write_sheet(tmp_path, GOOD, region, name)
    with pytest.raises(MalformedSheet, match="和文件所在的位置不一样"):
        load_sheets(tmp_path)


def test_sheets_are_loaded_in_order_of_path(tmp_path: Path) -> None:
    """All sheets of all regions are loaded, other files are not."""
    for region, name in [("45", "rights"), ("450481", "dibao"), ("45", "dibao")]:
        write_sheet(tmp_path, sheet_text(name, region=region), region, name)
    (tmp_path / "45" / "notes.txt").write_text("x")
    assert [(sheet.region, sheet.id) for sheet in load_sheets(tmp_path)] == [
        ("45", "dibao"),
        ("45", "rights"),
        ("450481", "dibao"),
    ]


def test_first_and_last_day_count(tmp_path: Path) -> None:
    """A sheet is in force from its first to its last day, both included."""
    sheet = parsed(tmp_path, sheet_text(effective_from="2024-01-01", effective_to="2026-12-31"))
    days = [date(2023, 12, 31), date(2024, 1, 1), date(2026, 12, 31), date(2027, 1, 1)]
    assert [sheet.in_force(day) for day in days] == [False, True, True, False]
    assert parsed(tmp_path, GOOD).in_force(date(2099, 1, 1))


def read_or_refuse(tmp_path: Path, text: str) -> None:
    """Parse a text; only MalformedSheet may come out, with a line of the file."""
    file = tmp_path / "any.md"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        sheet = parse_sheet(file)
    except MalformedSheet as refusal:
        lines = text.count("\n") + text.count("\r") + 2
        if not 1 <= refusal.line <= lines:
            raise AssertionError(f"line {refusal.line} of {lines}: {refusal}") from None
        return
    assert all(section.aspect in ASPECTS and section.asked and len(section.short) <= SHORT_LIMIT for section in sheet.sections)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters()))
def test_any_text_is_read_or_refused(tmp_path: Path, text: str) -> None:
    """No text whatever raises anything but MalformedSheet."""
    read_or_refuse(tmp_path, text)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(codec="utf-8")) | st.text("!&*[]{}:,-#|>%@`\"'\n 0123456789.~<=_"))
def test_any_front_matter_is_read_or_refused(tmp_path: Path, front: str) -> None:
    """No YAML between the bars raises anything but MalformedSheet."""
    read_or_refuse(tmp_path, f"---\n{front}\n---\n{section_text()}")
    read_or_refuse(tmp_path, GOOD.replace("农村低保", front))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.data())
def test_any_damage_is_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    """A good sheet with a piece cut out or put in anywhere raises nothing but MalformedSheet."""
    start = data.draw(st.integers(0, len(GOOD)))
    end = data.draw(st.integers(start, min(len(GOOD), start + 30)))
    put = data.draw(
        st.sampled_from(["", "---", "\n", "##", ":", "|", "[", "]", "!!", "&a", "*a", "- ", "\t", "\x00", "\u2028", "<<: "])
    )
    read_or_refuse(tmp_path, GOOD[:start] + put + GOOD[end:])
