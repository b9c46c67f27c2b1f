"""Metrics over labelled messages: was the kind understood, the right sheet first, the danger seen, the rest declined?

Labels: ``kind`` of message, ``topics`` (sheet ids, best first; empty: do not score the topic), ``aspect``, ``style``,
``context``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import MingbaiError


class BadLabels(MingbaiError):
    """A file of labelled messages that cannot be read."""


@dataclass(frozen=True)
class Item:
    """One labelled message."""

    id: str
    text: str
    kind: str
    topics: list[str]
    aspect: str | None
    context: list[str]
    style: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What the assistant made of an item.

    ``sources``: (sheet, aspect), best first; ``spoken``: whether what was said stands in the section cited first, None where
    none is cited; ``seconds``: of the last message.
    """

    item: Item
    kind: str
    sources: list[tuple[str, str]]
    urgent: bool
    seconds: float
    spoken: bool | None = None

    @property
    def is_right(self) -> bool:
        """Whether the sheet cited first answers the item."""
        return bool(self.sources) and self.sources[0][0] in self.item.topics


Metrics = dict[str, tuple[float, int]]  # value and number of items


@dataclass
class Report:
    """Metrics, the same for groups of items (``by["style"]["voice"]``), and a line for each miss."""

    metrics: Metrics = field(default_factory=dict)
    by: dict[str, dict[str, Metrics]] = field(default_factory=dict)
    misses: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        groups = {name: {group: _plain(metrics) for group, metrics in groups.items()} for name, groups in self.by.items()}
        return {**_plain(self.metrics), **({"by": groups} if groups else {})}

    def outside(self, bounds: dict[str, float | dict[str, float]]) -> list[str]:
        """The metrics below their floor (a number) or above their ceiling (``{"most": …}``), or missing."""
        found = []
        for name, bound in bounds.items():
            value = self.metrics.get(name, (float("nan"), 0))[0]
            if isinstance(bound, dict):
                if not value <= bound["most"]:
                    found.append(f"{name}: {value:.3f} > {bound['most']}")
            elif not value >= bound:
                found.append(f"{name}: {value:.3f} < {bound}")
        return found


def load_items(file: Path) -> list[Item]:
    """Read a JSON-lines file. Raises BadLabels with the line."""
    items = []
    for number, line in enumerate(file.read_text("utf-8").split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            front = row["id"], row["text"], row["kind"]
            items.append(Item(*front, row.get("topics") or [], row.get("aspect"), row.get("context") or [], row.get("style")))
        except (ValueError, KeyError, TypeError) as error:
            raise BadLabels(f"{file}:{number}: {error!r}") from None
    return items


def measure(outcomes: list[Outcome], sheets: set[str]) -> Report:
    """All metrics. ``sheets`` are the ids that exist: topics outside them can only be declined."""
    report = Report()

    def share(name: str, among: list[Outcome], good: Callable[[Outcome], bool], *, low: bool = False) -> None:
        """The share that is good; with ``low`` what is counted is a fault, and 0 is best."""
        if among:
            counted = [o for o in among if good(o)]
            report.metrics[name] = (len(counted) / len(among), len(among))
            missed = counted if low else [o for o in among if not good(o)]
            report.misses += [f"{name}: {o.item.id} {o.item.text[:50]} -> {_what_was(o)}" for o in missed]

    asked = [o for o in outcomes if o.item.kind in ("policy", "followup") and o.item.topics]
    covered = [o for o in asked if set(o.item.topics) & sheets]
    policy = [o for o in covered if o.item.kind == "policy"]
    out_of_scope = [o for o in outcomes if o.item.kind == "oos"]
    share("answer@1", policy, lambda o: o.is_right)
    share("answer@3", policy, lambda o: any(sheet in o.item.topics for sheet, _ in o.sources[:3]))
    share("best_topic@1", policy, lambda o: bool(o.sources) and o.sources[0][0] == o.item.topics[0])
    share("aspect@1", [o for o in policy if o.is_right and o.item.aspect], _right_aspect)
    share("policy_declined", policy, lambda o: not o.sources, low=True)
    share("followup@1", [o for o in covered if o.item.kind == "followup"], lambda o: o.is_right)
    share("declined", out_of_scope, lambda o: not o.sources)
    share("declined_no_sheet", [o for o in asked if not set(o.item.topics) & sheets], lambda o: not o.sources)
    share("wrong_citation", [o for o in covered + out_of_scope if o.sources], lambda o: not o.is_right, low=True)
    share("spoken_in_source", [o for o in outcomes if o.spoken is not None], lambda o: bool(o.spoken))
    share("urgent_recall", [o for o in outcomes if o.item.kind == "urgent"], lambda o: o.urgent)
    share("urgent_precision", [o for o in outcomes if o.urgent], lambda o: o.item.kind == "urgent")
    share("false_urgent", [o for o in outcomes if o.item.kind != "urgent"], lambda o: o.urgent, low=True)
    share("report_intake", [o for o in outcomes if o.item.kind == "report"], lambda o: o.kind == "report")
    share("kind", outcomes, lambda o: o.kind == o.item.kind)
    if outcomes:
        report.metrics["kind_f1"] = (_macro_f1(outcomes), len(outcomes))
    report.by = {
        "kind": _grouped(outcomes, lambda o: o.item.kind, {"recall": lambda o: o.kind == o.item.kind}),
        **{name: _grouped(policy, group, {"answer@1": lambda o: o.is_right}, _ASPECT) for name, group in _GROUPS.items()},
    }
    times = sorted(o.seconds * 1000 for o in outcomes)
    if times:
        report.metrics["p50_ms"] = (times[len(times) // 2], len(times))
        report.metrics["p95_ms"] = (times[int(len(times) * 0.95)], len(times))
    return report


def _right_aspect(outcome: Outcome) -> bool:
    return outcome.sources[0][1] == outcome.item.aspect


_ASPECT: dict[str, Callable[[Outcome], bool]] = {"aspect@1": _right_aspect}  # among those whose sheet is right
_GROUPS: dict[str, Callable[[Outcome], str | None]] = {
    "sheet": lambda o: o.item.topics[0],
    "aspect": lambda o: o.item.aspect,
    "style": lambda o: o.item.style,
}


def _grouped(
    outcomes: list[Outcome],
    group: Callable[[Outcome], str | None],
    shares: dict[str, Callable[[Outcome], bool]],
    among_right: dict[str, Callable[[Outcome], bool]] | None = None,
) -> dict[str, Metrics]:
    """The shares of each group's items, and some among those only whose sheet is right, by the group's name."""
    groups: dict[str, Metrics] = {}
    for name in sorted({found for o in outcomes if (found := group(o))}):
        mine = [o for o in outcomes if group(o) == name]
        right = [o for o in mine if o.is_right]
        groups[name] = {metric: (sum(map(good, mine)) / len(mine), len(mine)) for metric, good in shares.items()}
        if right:
            groups[name] |= {
                metric: (sum(map(good, right)) / len(right), len(right)) for metric, good in (among_right or {}).items()
            }
    return groups


def _macro_f1(outcomes: list[Outcome]) -> float:
    """The mean over the labelled kinds of precision's and recall's harmonic mean."""
    values = []
    for kind in {o.item.kind for o in outcomes}:
        hit = sum(o.kind == o.item.kind == kind for o in outcomes)
        said, labelled = sum(o.kind == kind for o in outcomes), sum(o.item.kind == kind for o in outcomes)
        values.append(2 * hit / (said + labelled))
    return sum(values) / len(values)


def _what_was(o: Outcome) -> str:
    return f"{o.kind} {o.sources[:2]} (wanted {o.item.kind} {o.item.topics[:2]} {o.item.aspect})"


def _plain(metrics: Metrics) -> dict[str, Any]:
    return {name: {"value": round(value, 4), "items": count} for name, (value, count) in metrics.items()}
