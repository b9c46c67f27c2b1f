"""The steps of a case as data: who does each, within which limit, with which form. A county can put its own in their place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from cadres.form import Field
from core.errors import ConfigurationError
from core.rights import CADRES
from core.working_days import Due, Limit, due_after

STEPS = ("reported", "accepted", "checking", "reviewing", "auditing", "deciding", "recording")  # in order
ENDS = ("admitted", "refused", "closed", "withdrawn")
OWN = Path(__file__).parent / "data" / "steps.yml"


@dataclass(frozen=True)
class Step:
    """One step. ``level``: digits of the place that it belongs to; ``next_by``: the answer of a field decides what comes next."""

    state: str
    title: str
    limit: Limit
    source: str
    level: int
    roles: tuple[str, ...]
    fields: tuple[Field, ...]
    next: str = ""
    next_by: tuple[tuple[str, str], ...] = ()
    deciding_field: str = ""

    def after(self, answers: dict[str, str]) -> str:
        """The state that follows, given the form's answers."""
        return dict(self.next_by)[answers[self.deciding_field]] if self.deciding_field else self.next


@dataclass(frozen=True)
class Plan:
    """All steps, the cap over them, and by which document."""

    document: str
    cap: Limit
    cap_source: str
    notice_days: int
    remind: timedelta
    climb: timedelta
    pauses: tuple[str, ...]
    steps: tuple[Step, ...]

    def step(self, state: str) -> Step | None:
        """The step of a state; None for an end."""
        return next((step for step in self.steps if step.state == state), None)

    def before(self, state: str) -> list[Step]:
        """The steps that a case in a state can be sent back to: never to 受理, which happened."""
        order = STEPS.index(state) if state in STEPS else 0
        return [step for step in self.steps if 0 < STEPS.index(step.state) < order]

    def due(self, state: str, start: datetime) -> Due | None:
        step = self.step(state)
        return due_after(start, step.limit) if step is not None else None

    def cap_from(self, start: datetime) -> Due:
        return due_after(start, self.cap)


@cache
def own_plan() -> Plan:
    """The steps that come along."""
    return load_plan(OWN)


def load_plan(file: Path) -> Plan:
    """The steps of a file. Raises ConfigurationError with what is wrong in it."""
    try:
        raw = yaml.safe_load(file.read_text("utf-8"))
        plan = _plan(raw)
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigurationError(f"{file}: {error.__class__.__name__}: {error}") from error
    _check(file, plan)
    return plan


def _plan(raw: dict[str, Any]) -> Plan:
    return Plan(
        document=str(raw["document"]), cap=_limit(raw["cap"]), cap_source=str(raw["cap"].get("source", "")),
        notice_days=int(raw["notice_days"]), remind=timedelta(hours=float(raw["remind_hours"])),
        climb=timedelta(hours=float(raw["climb_hours"])), pauses=tuple(str(one) for one in raw["pauses"]),
        steps=tuple(_step(step, int(raw["notice_days"])) for step in raw["steps"]),
    )  # fmt: skip


def _limit(raw: dict[str, Any]) -> Limit:
    return Limit(int(raw["days"]), "working" if raw.get("kind") == "working" else "calendar")


def _step(raw: dict[str, Any], notice_days: int) -> Step:
    by = dict(raw.get("next_by", {}))
    field = str(by.pop("field", ""))
    return Step(
        state=str(raw["state"]), title=str(raw["title"]), limit=_limit(raw["limit"]), source=str(raw.get("source", "")),
        level=int(raw["level"]), roles=tuple(raw["roles"]), next=str(raw.get("next", "")), next_by=tuple(by.items()),
        deciding_field=field, fields=tuple(Field.of(one, notice_days) for one in raw["fields"]),
    )  # fmt: skip


def _check(file: Path, plan: Plan) -> None:
    wrong = None
    if [step.state for step in plan.steps] != list(STEPS):
        wrong = f"the steps must be {', '.join(STEPS)}, in this order"
    elif not plan.document.strip():
        wrong = "the document that fixes the steps is not named"
    elif plan.cap.days < 1 or any(step.limit.days < 1 for step in plan.steps):
        wrong = "a limit is at least one day"
    elif not plan.pauses:
        wrong = "no reason for a pause is named"
    elif unknown := {role for step in plan.steps for role in step.roles} - set(CADRES):
        wrong = f"no such role: {', '.join(sorted(unknown))}"
    elif any(step.level not in (6, 9, 12) or not step.roles for step in plan.steps):
        wrong = "each step has roles and a level of 6, 9 or 12 digits"
    else:
        wrong = _wrong_order(plan)
    if wrong:
        raise ConfigurationError(f"{file}: {wrong}")


def _wrong_order(plan: Plan) -> str | None:
    following = {step.state: {step.next} if step.next else {to for _, to in step.next_by} for step in plan.steps}
    for here, there in pairwise(STEPS):
        if there not in following[here]:
            return f"after {here} comes {there}"
    if any(to not in (*STEPS, *ENDS) for targets in following.values() for to in targets):
        return "a step leads to a state that there is not"
    for step in plan.steps:
        options = next((dict(field.options) for field in step.fields if field.name == step.deciding_field), {})
        if step.deciding_field and set(options) != {answer for answer, _ in step.next_by}:
            return f"{step.state}: every answer of «{step.deciding_field}» leads somewhere"
    return None
