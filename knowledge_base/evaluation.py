"""Metrics over labelled messages: was the kind understood, the right sheet first, the danger seen, the rest declined?

Labels: ``kind`` of message, ``topics`` (sheet ids, best first; empty: do not score the topic), ``aspect``, ``context``.
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


@dataclass(frozen=True)
class Outcome:
    """What the assistant made of an item. ``sources``: (sheet, aspect), best first; ``seconds``: of the last message."""

    item: Item
    kind: str
    sources: list[tuple[str, str]]
    urgent: bool
    seconds: float


@dataclass
class Report:
    """Metrics as (value, number of items), and a line for each miss."""

    metrics: dict[str, tuple[float, int]] = field(default_factory=dict)
    misses: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {name: {"value": round(value, 4), "items": count} for name, (value, count) in self.metrics.items()}

    def below(self, floor: dict[str, float]) -> list[str]:
        """The metrics that lie below their floor, or are missing."""
        return [
            f"{name}: {self.metrics.get(name, (float('nan'), 0))[0]:.3f} < {least}"
            for name, least in floor.items()
            if not self.metrics.get(name, (float("nan"), 0))[0] >= least
        ]


def load_items(file: Path) -> list[Item]:
    """Read a JSON-lines file. Raises BadLabels with the line."""
    items = []
    for number, line in enumerate(file.read_text("utf-8").split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            items.append(
                Item(row["id"], row["text"], row["kind"], row.get("topics") or [], row.get("aspect"), row.get("context") or [])
            )
        except (ValueError, KeyError, TypeError) as error:
            raise BadLabels(f"{file}:{number}: {error!r}") from None
    return items


def measure(outcomes: list[Outcome], sheets: set[str]) -> Report:
    """All metrics. ``sheets`` are the ids that exist: topics outside them can only be declined."""
    report = Report()
    asked = [o for o in outcomes if o.item.kind in ("policy", "followup") and o.item.topics]
    covered = [o for o in asked if set(o.item.topics) & sheets]
    policy = [o for o in covered if o.item.kind == "policy"]

    def share(name: str, among: list[Outcome], good: Callable[[Outcome], bool]) -> None:
        if among:
            report.metrics[name] = (sum(map(good, among)) / len(among), len(among))
            report.misses += [f"{name}: {o.item.id} {o.item.text[:50]} -> {what_was(o)}" for o in among if not good(o)]

    def what_was(o: Outcome) -> str:
        return f"{o.kind} {o.sources[:2]} (wanted {o.item.kind} {o.item.topics[:2]})"

    share("answer@1", policy, lambda o: bool(o.sources) and o.sources[0][0] in o.item.topics)
    share("answer@3", policy, lambda o: any(sheet in o.item.topics for sheet, _ in o.sources[:3]))
    share("best_topic@1", policy, lambda o: bool(o.sources) and o.sources[0][0] == o.item.topics[0])
    right = [o for o in policy if o.sources and o.sources[0][0] in o.item.topics and o.item.aspect]
    share("aspect@1", right, lambda o: o.sources[0][1] == o.item.aspect)
    share(
        "followup@1",
        [o for o in covered if o.item.kind == "followup"],
        lambda o: bool(o.sources) and o.sources[0][0] in o.item.topics,
    )
    share("declined", [o for o in outcomes if o.item.kind == "oos"], lambda o: not o.sources)
    missing = [o for o in asked if not set(o.item.topics) & sheets]
    share("declined_no_sheet", missing, lambda o: not o.sources)
    share("urgent_recall", [o for o in outcomes if o.item.kind == "urgent"], lambda o: o.urgent)
    share("urgent_precision", [o for o in outcomes if o.urgent], lambda o: o.item.kind == "urgent")
    share("report_intake", [o for o in outcomes if o.item.kind == "report"], lambda o: o.kind == "report")
    share("kind", outcomes, lambda o: o.kind == o.item.kind)
    times = sorted(o.seconds * 1000 for o in outcomes)
    if times:
        report.metrics["p50_ms"] = (times[len(times) // 2], len(times))
        report.metrics["p95_ms"] = (times[int(len(times) * 0.95)], len(times))
    return report
