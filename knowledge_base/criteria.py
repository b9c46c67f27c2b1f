"""Criteria of a pre-check (我家够不够条件): questions and rules, as a sheet's front matter declares them.

The parser is strict: whatever could mislead a household is refused here, with the place in the front matter.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from knowledge_base.condition import BadCondition, Parts, Value, holds, parts_of
from knowledge_base.source import Source, parse_sources

TYPES = ("yesno", "choice", "number")
POINTS = ("likely", "unsure", "unlikely")
TRIES = 4000  # combinations of answers that are tried before a rule is called unreachable
_ID = re.compile(r"[a-z][a-z_]{0,29}")
# a machine that has seen a few answers promises nothing and shuts no door
_PROMISE = re.compile(
    r"[您你](?:家)?(?:就|是|已经|完全)?(?:不)?符合|(?<!不)一定(?:能|会|可以|得|行|不|没)|(?<!不)肯定|保证|包你|包您|没资格|没份|不用报|不要报"
)


class BadCriteria(ValueError):
    """Criteria that may not be published. ``path``: the keys and positions that lead to what is wrong."""

    def __init__(self, path: tuple[str | int, ...], reason: str) -> None:
        super().__init__(reason)
        self.path, self.reason = path, reason


@dataclass(frozen=True)
class Figure:
    """A figure that the county confirms or enters, such as a line of income. ``value``: the last one that was seen."""

    id: str
    name: str
    unit: str
    value: int | None
    sources: list[Source]


@dataclass(frozen=True)
class Question:
    """One question. ``options``: id and title of each choice; ``least`` and ``most`` bound a number."""

    id: str
    text: str
    why: str
    type: str
    unit: str = ""
    options: dict[str, str] | None = None
    least: int = 0
    most: int = 0


@dataclass(frozen=True)
class Rule:
    """``when`` it holds, the answers point to likely, unsure or unlikely, for ``reason``, by ``clause`` of a ``year``."""

    when: str
    points: str
    reason: str
    clause: str
    check: str
    year: int
    sources: list[Source]


@dataclass(frozen=True)
class Criteria:
    """A sheet's pre-check. It is off until the county has confirmed ``year``."""

    year: int
    place: str
    figures: list[Figure]
    questions: list[Question]
    rules: list[Rule]

    @property
    def digest(self) -> str:
        """Changes whenever anything of the criteria does: what was confirmed no longer is."""
        return hashlib.sha256(self.as_json().encode()).hexdigest()[:16]

    def question(self, name: str) -> Question | None:
        return next((question for question in self.questions if question.id == name), None)

    def as_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Criteria:
        stored = json.loads(text)
        return cls(
            stored["year"],
            stored["place"],
            [Figure(**{**row, "sources": _sources_from(row)}) for row in stored["figures"]],
            [Question(**row) for row in stored["questions"]],
            [Rule(**{**row, "sources": _sources_from(row)}) for row in stored["rules"]],
        )


def parse_criteria(raw: Any) -> Criteria:
    """Criteria out of parsed YAML. Raises BadCriteria."""
    table = _table(raw, (), {"year", "place", "questions", "rules"}, {"figures"})
    figures = [_figure(row, ("figures", n)) for n, row in enumerate(_list(table.get("figures") or [], ("figures",)))]
    questions = [_question(row, ("questions", n)) for n, row in enumerate(_list(table["questions"], ("questions",)))]
    rules = [_rule(row, ("rules", n)) for n, row in enumerate(_list(table["rules"], ("rules",)))]
    criteria = Criteria(_year(table["year"], ("year",)), _text(table["place"], ("place",)), figures, questions, rules)
    _check_names(criteria)
    for n in range(len(rules)):
        _check_reachable(criteria, n)
    return criteria


def _figure(raw: Any, path: tuple[str | int, ...]) -> Figure:
    row = _table(raw, path, {"id", "name", "unit"}, {"value", "source"})
    value = row.get("value")
    if value is not None:
        _whole(value, (*path, "value"))
        if "source" not in row:
            raise BadCriteria(path, "有 value 的数，要写 source")
    sources = _sources(row["source"], (*path, "source")) if "source" in row else []
    return Figure(_name(row["id"], path), _text(row["name"], path), _text(row["unit"], path), value, sources)


def _question(raw: Any, path: tuple[str | int, ...]) -> Question:
    kind = raw.get("type") if isinstance(raw, dict) else None
    if kind not in TYPES:
        raise BadCriteria(path, f"type 要是其中一个：{' '.join(TYPES)}")
    more = {"choice": {"options"}, "number": {"unit", "min", "max"}, "yesno": set()}[kind]
    row = _table(raw, path, {"id", "text", "why", "type"} | more, set())
    plain = Question(_name(row["id"], path), _text(row["text"], path), _text(row["why"], path), kind)
    if kind == "choice":
        options = row["options"]
        if not isinstance(options, dict) or len(options) < 2:
            raise BadCriteria((*path, "options"), "选择题要有两个以上的选项，写成「id: 名称」")
        for key, title in options.items():
            _name(key, (*path, "options"), key)
            _text(title, (*path, "options", str(key)))
        return Question(plain.id, plain.text, plain.why, kind, options=dict(options))
    if kind == "number":
        least, most = _whole(row["min"], (*path, "min")), _whole(row["max"], (*path, "max"))
        if most <= least:
            raise BadCriteria((*path, "max"), "max 要大过 min")
        return Question(plain.id, plain.text, plain.why, kind, unit=_text(row["unit"], path), least=least, most=most)
    return plain


def _rule(raw: Any, path: tuple[str | int, ...]) -> Rule:
    row = _table(raw, path, {"when", "points", "reason", "clause", "check", "year", "source"}, set())
    if row["points"] not in POINTS:
        raise BadCriteria((*path, "points"), f"points 要是其中一个：{' '.join(POINTS)}")
    said = {key: _text(row[key], (*path, key)) for key in ("when", "reason", "clause", "check")}
    for key in ("reason", "check"):
        promise = _PROMISE.search(said[key])
        if promise is not None:
            raise BadCriteria((*path, key), f"「{promise.group()}」像是打包票或者关门：自查不许诺，也不拒绝")
    sources = _sources(row["source"], (*path, "source"))
    if any(source.grade != "已核" for source in sources):
        raise BadCriteria((*path, "source"), "规则只能依据已核的来源")
    try:
        parts_of(said["when"])
    except BadCondition as error:
        raise BadCriteria((*path, "when"), f"「{said['when']}」{error}") from None
    return Rule(points=row["points"], year=_year(row["year"], (*path, "year")), sources=sources, **said)


def _check_names(criteria: Criteria) -> None:
    """Every name means one thing, is known where it is used, and is used somewhere."""
    named = [figure.id for figure in criteria.figures] + [question.id for question in criteria.questions]
    for n, question in enumerate(criteria.questions):
        if named.count(question.id) > 1:
            raise BadCriteria(("questions", n, "id"), f"id「{question.id}」重复了")
    choices = {key for question in criteria.questions for key in question.options or {}}
    figure_name = re.compile("|".join([r"(?!)", *(rf"\{{{figure.id}\}}" for figure in criteria.figures)]))
    used: set[str] = set()
    for n, rule in enumerate(criteria.rules):
        parts = parts_of(rule.when)
        for name in sorted(parts.names - set(named)):
            raise BadCriteria(("rules", n, "when"), f"没有「{name}」这个 id")
        for text in sorted(parts.texts - choices):
            raise BadCriteria(("rules", n, "when"), f"没有哪一题有「{text}」这个选项")
        for key in ("reason", "clause", "check"):
            if re.search(r"[{}]", figure_name.sub("", getattr(rule, key))):
                raise BadCriteria(("rules", n, key), "大括号里只能写 figures 里的 id")
        used |= parts.names
    declared = [("figures", n, figure.id) for n, figure in enumerate(criteria.figures)]
    declared += [("questions", n, question.id) for n, question in enumerate(criteria.questions)]
    for kind, n, name in declared:
        if name not in used:  # nobody is asked in vain
            raise BadCriteria((kind, n, "id"), f"没有哪条规则用到「{name}」")


def _check_reachable(criteria: Criteria, number: int) -> None:
    """Some answers make the rule hold, and none that were tried on the way break it."""
    rule, path = criteria.rules[number], ("rules", number, "when")
    for values in itertools.islice(answers_for(criteria, rule), TRIES):
        result = holds(rule.when, values)
        if result is None:
            raise BadCriteria(path, f"「{rule.when}」算不出是或不是，比如 {values}")
        if result:
            return
    raise BadCriteria(path, f"「{rule.when}」怎么回答都到不了")


def answers_for(criteria: Criteria, rule: Rule) -> Iterator[dict[str, Value]]:
    """Combinations of answers to what a rule asks: all choices, and numbers about its own and at the bounds."""
    parts = parts_of(rule.when)
    candidates: dict[str, list[Value]] = {}
    for figure in criteria.figures:
        if figure.id in parts.names:
            candidates[figure.id] = [figure.value or 5000]
    for question in criteria.questions:
        if question.id in parts.names:
            candidates[question.id] = _candidates(question, parts, criteria.figures)
    for values in itertools.product(*candidates.values()):
        yield dict(zip(candidates, values, strict=True))


def _candidates(question: Question, parts: Parts, figures: list[Figure]) -> list[Value]:
    if question.type == "yesno":
        return [True, False]
    if question.type == "choice":
        return list(question.options or {})
    about = set(parts.numbers) | {figure.value or 5000 for figure in figures}
    near = {number + step for number in about for step in (-1, 0, 1)} | {1, 3, 1000, 50_000}
    return sorted({question.least, question.most} | {n for n in near if question.least <= n <= question.most})


def _table(raw: Any, path: tuple[str | int, ...], needed: set[str], optional: set[str]) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise BadCriteria(path, f"这里要有：{' '.join(sorted(needed))}")
    for key in raw:
        if key not in needed | optional:
            raise BadCriteria((*path, str(key)), f"不认识的项「{key}」")
    for key in sorted(needed):
        if raw.get(key) in (None, "", []):
            raise BadCriteria(path, f"缺少「{key}」")
    return raw


def _list(raw: Any, path: tuple[str | int, ...]) -> list[Any]:
    if not isinstance(raw, list):
        raise BadCriteria(path, "这里要写成列表")
    return raw


def _name(raw: Any, path: tuple[str | int, ...], key: str = "id") -> str:
    if not isinstance(raw, str) or not _ID.fullmatch(raw):
        raise BadCriteria((*path, key), f"「{raw}」不能做 id：只用小写字母和下划线")
    return raw


def _text(raw: Any, path: tuple[str | int, ...]) -> str:
    if not isinstance(raw, str) or not raw.strip():
        raise BadCriteria(path, "这里要写文字")
    return raw.strip()


def _whole(raw: Any, path: tuple[str | int, ...]) -> int:
    if type(raw) is not int or raw < 0:
        raise BadCriteria(path, f"「{raw}」不是整数")
    return raw


def _year(raw: Any, path: tuple[str | int, ...]) -> int:
    if type(raw) is not int or not 2000 <= raw <= 2100:
        raise BadCriteria(path, f"「{raw}」不是年份")
    return raw


def _sources(raw: Any, path: tuple[str | int, ...]) -> list[Source]:
    try:
        return parse_sources(_text(raw, path))
    except ValueError as error:
        raise BadCriteria(path, str(error)) from None


def _sources_from(row: dict[str, Any]) -> list[Source]:
    return [Source(**source) for source in row["sources"]]
