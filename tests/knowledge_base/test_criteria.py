"""Criteria of a pre-check: what the strict parser takes, and what it refuses, with the line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from knowledge_base.condition import holds
from knowledge_base.criteria import BadCriteria, Criteria, answers_for, parse_criteria
from knowledge_base.sheet import MalformedSheet, load_sheets
from service.artefacts import SHEETS
from tests.fakes import parsed, sheet_text
from tests.knowledge_base.criteria_cases import CRITERIA, criteria, raw

WITH_CRITERIA = [sheet for sheet in load_sheets(SHEETS) if sheet.criteria]


def changed(*path: str | int, to: Any) -> dict[str, Any]:
    """The criteria with one thing in another way; ``None`` takes it away."""
    whole: Any = raw()
    place = whole
    for step in path[:-1]:
        place = place[step]
    if to is None:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return dict(whole)


def test_criteria_are_read_whole() -> None:
    """Figures, questions and rules come out as they were declared, with their sources."""
    found = criteria()
    assert [question.id for question in found.questions] == ["rural", "people", "income", "trouble"]
    assert found.questions[3].options == {"ill": "大病", "house": "房子不安全", "none": "都没有"}
    assert (found.questions[1].least, found.questions[1].most, found.questions[1].unit) == (1, 20, "口人")
    assert found.figures[0].value == 8000
    assert found.rules[2].sources[0].number == "S05"
    assert found.year == 2024


def test_stored_criteria_are_the_same() -> None:
    """What goes into the index comes out of it equal, with the same digest."""
    found = criteria()
    assert Criteria.from_json(found.as_json()) == found
    assert Criteria.from_json(found.as_json()).digest == found.digest


@pytest.mark.parametrize("path", [("year",), ("rules", 0, "reason"), ("questions", 0, "text"), ("figures", 0, "value")])
def test_any_change_changes_the_digest(path: tuple[str | int, ...]) -> None:
    """A county confirmed what it saw: criteria that say something else have another digest."""
    to: Any = 2023 if path[-1] in ("year", "value") else "别的话"
    assert parse_criteria(changed(*path, to=to)).digest != criteria().digest


@pytest.mark.parametrize(
    ("path", "to", "reason"),
    [
        (("rules", 0, "when"), "rural && nobody", "没有「nobody」这个 id"),
        (("rules", 0, "when"), "trouble == 'illness'", "没有哪一题有「illness」"),
        (("rules", 0, "when"), "rural &&", "不是 CEL 条件"),
        (("rules", 0, "when"), "income < 8000.5", "里不能用"),
        (("rules", 0, "when"), "rural ? income : people", "算不出是或不是"),
        (("rules", 0, "when"), "rural && income", "算不出是或不是"),
        (("rules", 0, "when"), "rural.size() > 1", "没有「size」"),
        (("rules", 0, "when"), "rural && !rural", "怎么回答都到不了"),
        (("rules", 0, "when"), "people > 20 && rural && income <= line", "怎么回答都到不了"),
        (("rules", 0, "points"), "yes", "points 要是"),
        (("rules", 0, "source"), "[常识 待核]", "已核的来源"),
        (("rules", 0, "source"), "网上", "source 要写成"),
        (("rules", 0, "year"), "2024", "不是年份"),
        (("rules", 0, "year"), 24, "不是年份"),
        (("rules", 0, "reason"), "您符合条件。", "打包票"),
        (("rules", 0, "reason"), "一定能评上。", "打包票"),
        (("rules", 0, "reason"), "您家没资格。", "关门"),
        (("rules", 0, "reason"), "在{lines}元以内。", "大括号"),
        (("rules", 0, "reason"), "在{元以内。", "大括号"),
        (("rules", 0, "check"), "", "缺少「check」"),
        (("rules", 0, "clause"), None, "缺少「clause」"),
        (("rules", 0, "note"), "x", "不认识的项「note」"),
        (("rules",), [], "缺少「rules」"),
        (("rules",), {"when": "rural"}, "写成列表"),
        (("questions", 0, "type"), "text", "type 要是"),
        (("questions", 0, "why"), None, "缺少「why」"),
        (("questions", 0, "id"), "Rural", "不能做 id"),
        (("questions", 0, "id"), "line", "重复了"),
        (("questions", 0, "id"), "village", "没有「rural」"),
        (("questions", 3, "options"), {"ill": "大病"}, "两个以上"),
        (("questions", 1, "max"), 1, "max 要大过 min"),
        (("questions", 1, "min"), 1.5, "不是整数"),
        (("questions", 1, "unit"), None, "缺少「unit」"),
        (("figures", 0, "source"), None, "要写 source"),
        (("figures", 0, "value"), "8000", "不是整数"),
        (("year",), 24, "不是年份"),
        (("place",), None, "缺少「place」"),
    ],
)  # fmt: skip
def test_what_could_mislead_is_refused(path: tuple[str | int, ...], to: Any, reason: str) -> None:
    """Each fault is named."""
    with pytest.raises(BadCriteria) as refused:
        parse_criteria(changed(*path, to=to))
    assert reason in refused.value.reason


def test_a_question_that_no_rule_uses_is_refused() -> None:
    """Nobody is asked in vain."""
    more = raw()
    more["questions"].append({"id": "car", "text": "有车吗？", "why": "查。", "type": "yesno"})
    with pytest.raises(BadCriteria, match="没有哪条规则用到「car」"):
        parse_criteria(more)


@pytest.mark.parametrize("raw_criteria", [[], "x", 3, {}, {"year": 2024}, None])
def test_other_shapes_are_refused(raw_criteria: Any) -> None:
    """Whatever YAML gives, the refusal is our own."""
    with pytest.raises(BadCriteria):
        parse_criteria(raw_criteria)


@pytest.mark.parametrize(
    ("said", "instead"),
    [
        ("    - when: rural && trouble != 'none' &&", "    - when: rurale &&"),
        ("type: yesno", "type: maybe"),
        ("      year: 2023", "      year: 23"),
        ("criteria:\n  year: 2024", "criteria:\n  years: 2024"),
    ],
)
def test_a_sheet_names_the_line(tmp_path: Path, said: str, instead: str) -> None:
    """In a sheet, the refusal has the file and the line of what is wrong."""
    text = sheet_text().replace("---\n## ", f"{CRITERIA}---\n## ")
    assert parsed(tmp_path, text).criteria == criteria()
    line = text[: text.index(said) + len(said)].count("\n") + 1
    with pytest.raises(MalformedSheet) as refused:
        parsed(tmp_path, text.replace(said, instead, 1))
    assert str(refused.value).startswith(f"{tmp_path}/45/dibao.md:{line}: criteria: ")


@pytest.mark.parametrize(
    ("sheet", "number"),
    [(sheet, number) for sheet in WITH_CRITERIA for number in range(len(sheet.criteria.rules))],
    ids=lambda value: getattr(value, "id", str(value)),
)
def test_every_rule_of_the_sheets_is_reachable(sheet: Any, number: int) -> None:
    """Each rule of the published sheets holds for some answers, and fails for others."""
    rule = sheet.criteria.rules[number]
    results = set()
    for values in answers_for(sheet.criteria, rule):
        results.add(holds(rule.when, values))
        if len(results) == 2:
            break
    assert results == {True, False}


def test_the_sheets_that_matter_have_a_precheck() -> None:
    """Monitoring and dibao come first."""
    assert {"monitoring-eligibility", "dibao"} <= {sheet.id for sheet in WITH_CRITERIA}
