"""What is checked in a sheet before it is published: what must be mended, and what an editor should look at again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from core import clock
from knowledge_base.sheet import MalformedSheet, Section, Sheet, parse_text
from knowledge_base.text import normalise

FILL_IN = "待填"  # what an importer leaves for the editor
SENTENCE_LIMIT = 45  # characters to a full stop: beyond it a sentence cannot be taken in when it is heard
ASKED_WANTED = 8
CORE_ASPECTS = {"eligibility": "什么人能办", "how": "怎么办", "materials": "要带什么", "where": "去哪里办"}
_FIGURE = re.compile(r"(?<!\d)\d[\d,.]*\s*(?:万|千|百)?\s*(?:元|块|%|％|个百分点|倍|万)")
_YEAR = re.compile(r"(?:19|20)\d\d")
_PAUSE = re.compile(r"[。！？；!?;\n]")
_MOBILE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
_IDENTITY = re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)")


@dataclass(frozen=True)
class Finding:
    """Something about a sheet. ``must`` be mended before it is submitted; ``where`` is the section's title or a line."""

    must: bool
    where: str
    what: str


def check(text: str, others: Iterable[Sheet] = (), today: date | None = None) -> list[Finding]:
    """All findings about a sheet's text, those that must be mended first.

    Args:
        others: the published sheets, among which each asked-as line should be unique.
    """
    day = today or clock.today()
    try:
        sheet = parse_text(text)
    except MalformedSheet as error:
        return [Finding(True, f"第{error.line}行", error.reason)]
    found = [*_must(sheet, text, day), *_whole(sheet)]
    elsewhere = {
        normalise(line): f"《{other.title}》{section.title}"
        for other in others
        if (other.region, other.id) != (sheet.region, sheet.id)
        for section in other.sections
        for line in section.asked
    }
    for section in sheet.sections:
        found += _section(section)
        found += _asked(section, elsewhere)
    return sorted(found, key=lambda finding: not finding.must)


def blocking(text: str) -> list[Finding]:
    """What must be mended before a text may be published."""
    return [finding for finding in check(text) if finding.must]


def figure_years(sheet: Sheet) -> set[int]:
    """The newest year named beside each figure of a sheet."""
    lines = [line for section in sheet.sections for line in (section.short, *section.body.splitlines())]
    named = [_YEAR.findall(line) for line in lines if _FIGURE.search(line)]
    return {max(map(int, years)) for years in named if years}


def _must(sheet: Sheet, text: str, day: date) -> Iterator[Finding]:
    for number, line in enumerate(text.splitlines(), 1):
        if FILL_IN in line:
            yield Finding(True, f"第{number}行", f"还有「{FILL_IN}」没有填")
        if _MOBILE.search(line) or _IDENTITY.search(line):
            yield Finding(True, f"第{number}行", "有私人手机号或身份证号，不能公开")
    if sheet.reviewed_on > day:
        yield Finding(True, "开头的说明", "核对日期 reviewed_on 在今天之后")


def _whole(sheet: Sheet) -> Iterator[Finding]:
    covered = {section.aspect for section in sheet.sections}
    for aspect, meaning in CORE_ASPECTS.items():
        if aspect not in covered:
            yield Finding(False, "整张纸", f"没有讲「{meaning}」（{aspect}）")
    said: dict[str, str] = {}
    for section in sheet.sections:
        for line in section.asked:
            if normalise(line) in said and said[normalise(line)] != section.title:
                yield Finding(False, section.title, f"问法「{line}」在「{said[normalise(line)]}」那一节也有")
            said.setdefault(normalise(line), section.title)


def _section(section: Section) -> Iterator[Finding]:
    lines = [section.short, *section.body.splitlines()]
    figures = [line for line in lines if _FIGURE.search(line)]
    dated = False
    for line in lines:
        # a list stands under the year of the line that leads it in
        dated = bool(_YEAR.search(line)) or (dated and line.startswith("- "))
        if _FIGURE.search(line) and not dated:
            yield Finding(False, section.title, f"数目没有写是哪一年的：{_brief(line)}")
    if figures and all(source.grade != "已核" for source in section.sources):
        yield Finding(False, section.title, "有数目，但来源都是「待核」")
    if section.sources and not any(source.year for source in section.sources if source.grade == "已核"):
        yield Finding(False, section.title, "来源没有写年份")
    for line in lines:
        for sentence in _PAUSE.split(line):
            if len(sentence) > SENTENCE_LIMIT:
                yield Finding(False, section.title, f"句子太长（{len(sentence)}个字），念出来听不明白：{_brief(sentence)}")


def _asked(section: Section, elsewhere: dict[str, str]) -> Iterator[Finding]:
    if len(section.asked) < ASKED_WANTED:
        yield Finding(False, section.title, f"问法只有{len(section.asked)}句，最好有{ASKED_WANTED}句以上")
    for line in section.asked:
        if normalise(line) in elsewhere:
            yield Finding(False, section.title, f"问法「{line}」在{elsewhere[normalise(line)]}那里也有")


def _brief(line: str) -> str:
    plain = line.removeprefix("- ").strip()
    return plain if len(plain) <= 30 else plain[:29] + "……"
