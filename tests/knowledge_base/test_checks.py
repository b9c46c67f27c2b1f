"""What is found in a sheet before it is published, and what has grown old."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from core.settings import PROJECT_ROOT
from knowledge_base.checks import SENTENCE_LIMIT, blocking, check, figure_years
from knowledge_base.sheet import load_sheets, parse_text
from knowledge_base.stale import Patience, stale_reasons
from tests.fakes import section_text, sheet_text

DAY = date(2026, 11, 24)
MANY = " | ".join(f"低保问法{number}" for number in range(8))


def said(*, short: str = "到村里问。", body: str = "先到村委会。", asked: str = MANY, **front: str) -> list[tuple[bool, str]]:
    """The findings about a sheet with one section."""
    text = sheet_text(sections=section_text(short=short, body=body, asked=asked), **front)  # type: ignore[arg-type]
    return [(finding.must, finding.what) for finding in check(text, today=DAY)]


def has(found: list[tuple[bool, str]], must: bool, word: str) -> bool:
    return any(is_must is must and word in what for is_must, what in found)


@pytest.mark.parametrize(
    ("values", "must", "word"),
    [
        ({"short": "待填"}, True, "没有填"),
        ({"body": "打13877412345。"}, True, "手机号"),
        ({"body": "证号450481199001011234。"}, True, "身份证"),
        ({"body": "每月补240元。"}, False, "哪一年"),
        ({"body": "报销60%。"}, False, "哪一年"),
        ({"short": "每人补5万。"}, False, "哪一年"),
        ({"body": "长" * (SENTENCE_LIMIT + 1) + "。"}, False, "太长"),
        ({"asked": "低保怎么办"}, False, "问法只有1句"),
    ],
)
def test_each_fault_is_found(values: dict[str, str], must: bool, word: str) -> None:
    """Blanks and private numbers must be mended; a figure without year, a long sentence, few questions are shown."""
    assert has(said(**values), must, word)
    assert not has(said(), must, word)


@pytest.mark.parametrize(
    "body",
    [
        "2024年每月补240元。",
        "2024年这样补：\n- 老人240元。\n- 小孩300元。",
        "打12345问。",
        "先交3份材料，等30天。",
        "短" * SENTENCE_LIMIT + "。",
    ],
)
def test_what_is_right_is_not_found_fault_with(body: str) -> None:
    """A year beside the figure or above its list, hotlines, counts and days are no faults."""
    found = said(body=body)
    assert not any(word in what for _, what in found for word in ("哪一年", "太长", "手机号"))


def test_missing_aspects_and_doubled_questions_are_shown() -> None:
    """What a villager asks of every policy, and a question under two sections or two sheets."""
    text = sheet_text(sections=section_text(asked=MANY) + section_text("where", "去哪里", asked=MANY))
    other = parse_text(sheet_text("medical", "医保", sections=section_text(asked="低保问法3")))
    found = [finding.what for finding in check(text, [other])]
    assert any("要带什么" in what for what in found)
    assert any("在「怎么申请」那一节也有" in what for what in found)
    assert any("《医保》" in what for what in found)


def test_what_the_parser_refuses_is_a_fault_with_its_line() -> None:
    """A malformed text has one finding, which must be mended."""
    found = check(sheet_text().replace("short:", "shrt:"))
    assert [(finding.must, finding.where) for finding in found] == [(True, "第12行")]


def test_a_review_in_the_future_is_refused() -> None:
    """Nobody has reviewed a sheet tomorrow."""
    assert has([(f.must, f.what) for f in check(sheet_text(), today=date(2026, 1, 1))], True, "在今天之后")


def test_the_sheets_that_come_along_can_be_published() -> None:
    """No seed has anything that must be mended: an editor who changes a word of one is not stopped by the rest."""
    directory: Path = PROJECT_ROOT / "knowledge_base" / "sheets"
    for sheet in load_sheets(directory):
        assert blocking((directory / sheet.region / f"{sheet.id}.md").read_text("utf-8")) == [], sheet.id


PATIENCE = Patience(review_days=180, expiry_days=60, figure_years=2)


@pytest.mark.parametrize(
    ("until", "body", "day", "reasons"),
    [
        (None, "先问。", date(2026, 6, 1), []),
        (None, "先问。", date(2026, 7, 2), ["181天没有核对了"]),
        ("2026-07-31", "先问。", date(2026, 6, 1), ["2026-07-31就要失效"]),
        ("2026-07-31", "先问。", date(2026, 5, 1), []),
        ("2026-05-31", "先问。", date(2026, 6, 1), ["2026-05-31已失效，不再回答"]),
        (None, "2023年补240元，2019年补100元。", date(2026, 6, 1), ["有旧年份的数目：2023"]),
        (None, "2024年补240元，以前2019年少些。\n2021年起有这事。", date(2026, 6, 1), []),
    ],
)
def test_what_time_has_overtaken_is_listed(until: str | None, body: str, day: date, reasons: list[str]) -> None:
    """Reviewed long ago, ending or ended, with figures of years gone by."""
    sheet = parse_text(sheet_text(effective_to=until, sections=section_text(body=body)))
    assert stale_reasons(sheet, day, PATIENCE) == reasons


def test_the_newest_year_beside_a_figure_counts() -> None:
    """A line that compares with earlier years is as old as its newest."""
    assert figure_years(parse_text(sheet_text(sections=section_text(body="2022年5元，2024年6元。\n2019年起办。")))) == {2024}
