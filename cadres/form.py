"""A step's form: fields as data, and what was typed into them checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal, get_args

from core.errors import MingbaiError

Type = Literal["text", "long", "number", "date", "choice"]
_LONGEST = {"text": 60, "long": 1000, "number": 12, "date": 10, "choice": 20}


class BadForm(MingbaiError):
    """有几项没有填好。"""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("；".join(errors.values()))
        self.errors = errors


@dataclass(frozen=True)
class Field:
    """One field. ``days_ago``: a date at least so many days past; ``only_if``: asked only with that answer of another field."""

    name: str
    label: str
    type: Type
    optional: bool = False
    options: tuple[tuple[str, str], ...] = ()
    least: int = 0
    most: int = 1_000_000_000
    days_ago: int = 0
    only_if: tuple[str, str] | None = None

    @classmethod
    def of(cls, raw: dict[str, Any], notice_days: int) -> Field:
        """A field out of a county's file. Raises KeyError, ValueError."""
        kind = str(raw["type"])
        if kind not in get_args(Type):
            raise ValueError(f"no type «{kind}»; there are: {', '.join(get_args(Type))}")
        ago = raw.get("days_ago", 0)
        condition = next(iter(raw["only_if"].items())) if "only_if" in raw else None
        return cls(
            str(raw["name"]), str(raw["label"]), kind, bool(raw.get("optional", False)),  # type: ignore[arg-type]
            tuple((str(key), str(label)) for key, label in dict(raw.get("options", {})).items()),
            int(raw.get("least", 0)), int(raw.get("most", 1_000_000_000)),
            notice_days if ago == "notice_days" else int(ago), condition,
        )  # fmt: skip

    def shown(self, value: str) -> str:
        """An answer as people read it."""
        return dict(self.options).get(value, value)


def answers_of(fields: tuple[Field, ...], typed: Mapping[str, str], today: date) -> dict[str, str]:
    """The answers of a form, in order, empty ones left out. Raises BadForm with a sentence for each bad field."""
    answers: dict[str, str] = {}
    errors: dict[str, str] = {}
    for field in fields:
        if field.only_if is not None and answers.get(field.only_if[0]) != field.only_if[1]:
            continue
        value = str(typed.get(field.name, "")).strip()
        fault = _fault(field, value, today)
        if fault:
            errors[field.name] = f"“{field.label}”{fault}"
        elif value:
            answers[field.name] = value
    if errors:
        raise BadForm(errors)
    return answers


def _fault(field: Field, value: str, today: date) -> str:
    if not value:
        return "" if field.optional else "没有填"
    if len(value) > _LONGEST[field.type] or "\x00" in value:
        return f"太长了，最多{_LONGEST[field.type]}个字"
    if field.type == "choice" and value not in dict(field.options):
        return "请在给的几样里选"
    if field.type == "number":
        number = int(value) if value.isascii() and value.isdigit() else -1
        return "" if field.least <= number <= field.most else f"要填{field.least}到{field.most}的整数"
    return _date_fault(field, value, today) if field.type == "date" else ""


def _date_fault(field: Field, value: str, today: date) -> str:
    try:
        day = date.fromisoformat(value)
    except ValueError:
        return "要填日期，像2026-11-24"
    if day > today:
        return "不能是以后的日子"
    if field.days_ago and day > today - timedelta(days=field.days_ago):
        return f"还不满{field.days_ago}天，满了再报"
    return "" if day > today - timedelta(days=366) else "太早了，请看看年份"
