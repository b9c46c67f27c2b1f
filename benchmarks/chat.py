"""Chat: ours against the assistant that a Rasa user would build by the book. See README.md for what is measured and how."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.conversations import Conversation, Villagers
from benchmarks.load import Outcome, Side, closed_loop, open_loop
from benchmarks.processes import rss_mb
from benchmarks.sides import Ours, Stock, everything, scratch_directory
from benchmarks.stock_rasa import build

RESULTS = Path(__file__).parent / "results" / "chat.json"
CONNECTIONS, OPEN_PER_S = 16, 10.0
POSITIONS = {"msg5": (3, 7), "msg100": (98, 102), "msg500": (495, 505)}  # of a long conversation, both ends counted
console = Console()


@dataclass(frozen=True)
class Size:
    """How much is measured. Each round is half of a phase's messages, its sides in turned order."""

    rounds: int
    one: int
    many: int
    open: int
    conversations: int
    longest: int
    starts: int
    warm_up: int


FULL = Size(rounds=2, one=300, many=800, open=300, conversations=3, longest=505, starts=3, warm_up=60)
QUICK = Size(rounds=1, one=20, many=48, open=20, conversations=1, longest=12, starts=1, warm_up=8)


@dataclass(frozen=True)
class Figure:
    """One line of the results."""

    name: str
    value: float
    unit: str
    baseline: float

    @property
    def ratio(self) -> float:
        """How many times better ours is; under 1: worse."""
        if not self.value or not self.baseline:
            return float("nan")
        return self.value / self.baseline if self.unit == "msg/s" else self.baseline / self.value

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "value": round(self.value, 2), "unit": self.unit, "baseline": round(self.baseline, 2)}


def main(*, quick: bool = False) -> None:
    """Measure, print, and write the results (not with ``quick``)."""
    size = QUICK if quick else FULL
    project = build.prepare()
    with scratch_directory() as scratch:
        ours, stock = Ours(scratch), Stock(project, scratch)
        figures = [_ready(ours, stock, size.starts)]
        before = ours.degraded
        with everything(ours, stock) as (mine, pair, alone, processes):
            for side in (mine, pair):
                closed_loop(side, Villagers("warm-up").conversations(size.warm_up), 4)
            figures += _loads(size, mine, pair, alone)
            figures += _long_conversations(size, mine, alone)
            figures.append(Figure("chat_rss_mb", rss_mb(processes["ours"]), "MB", rss_mb(processes["stock"])))
        console.print(f"ours: {ours.degraded - before} turns were answered without Rasa")
    _print(figures)
    if not quick:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps([figure.as_json() for figure in figures], indent=1) + "\n", "utf-8")
        console.print(f"written: {RESULTS}")


def _ready(ours: Ours, stock: Stock, starts: int) -> Figure:
    """Seconds to the first full turn. One start of each before does not count: it prepares our data and warms the disk."""
    mine, theirs = [], []
    for start in range(starts + 1):
        with ours.up() as (_, _, seconds):
            mine.append(seconds)
        with stock.actions(), stock.rasa() as (_, _, seconds):
            theirs.append(seconds)
        if start == 0:
            mine.clear()
            theirs.clear()
    _say(f"ready: ours {mine}, stock {theirs}")
    return Figure("ready_s", median(mine), "s", median(theirs))


def _loads(size: Size, mine: Side, pair: Side, alone: Side) -> list[Figure]:
    one = _phase("1-connection", size.one, size.rounds, [mine, pair], lambda side, made: closed_loop(side, made, 1))
    many = _phase(
        f"{CONNECTIONS}-connections", size.many, size.rounds, [mine, pair, alone],
        lambda side, made: closed_loop(side, made, CONNECTIONS),
    )  # fmt: skip
    opened = _phase(
        f"{OPEN_PER_S:.0f}-a-second", size.open, size.rounds, [mine, pair],
        lambda side, made: open_loop(side, made, OPEN_PER_S),
    )  # fmt: skip

    def latency(name: str, outcomes: dict[str, Outcome], share: float) -> Figure:
        return Figure(
            name, _quantile(outcomes[mine.name].latencies, share), "ms", _quantile(outcomes[pair.name].latencies, share)
        )

    return [
        Figure("chat_msgs_per_s_16", many[mine.name].per_second, "msg/s", many[pair.name].per_second),
        Figure("chat_msgs_per_s_16_single", many[mine.name].per_second, "msg/s", many[alone.name].per_second),
        latency("chat_p50_ms_1", one, 0.5),
        latency("chat_p95_ms_1", one, 0.95),
        latency("chat_p95_ms_16", many, 0.95),
        latency("chat_p95_ms_open10", opened, 0.95),
    ]


def _phase(
    load: str, messages: int, rounds: int, sides: list[Side], play: Callable[[Side, list[Conversation]], Outcome]
) -> dict[str, Outcome]:
    """One load on each side in turn, in rounds: first in order, then the other way round."""
    outcomes = {side.name: Outcome() for side in sides}
    reports = 0
    for turn in range(rounds):
        made = Villagers(f"{load}-{turn}").conversations(messages // rounds)
        reports += sum(one.is_report for one in made)
        for side in sides if turn % 2 == 0 else sides[::-1]:
            named = [Conversation(f"{side.name}-{one.sender}", one.texts, one.is_report) for one in made]
            outcomes[side.name] += play(side, named)
    for name, outcome in outcomes.items():
        _say(
            f"{load}, {name}: {len(outcome.latencies)} answered, {outcome.failures} failed, "
            f"{outcome.filed} of {reports} reports filed, {outcome.per_second:.1f} msg/s, "
            f"p50 {_quantile(outcome.latencies, 0.5):.1f} ms, p95 {_quantile(outcome.latencies, 0.95):.1f} ms"
        )
    return outcomes


def _long_conversations(size: Size, mine: Side, alone: Side) -> list[Figure]:
    """What a message costs in a conversation that goes on and on."""
    spent: dict[str, dict[str, list[float]]] = {side.name: {name: [] for name in POSITIONS} for side in (mine, alone)}
    for number in range(size.conversations):
        one = Villagers(f"long-{number}").long_one(size.longest)
        for side in (mine, alone) if number % 2 == 0 else (alone, mine):
            outcome = closed_loop(side, [one], 1)
            if outcome.failures:
                _say(f"long conversation, {side.name}: {outcome.failures} failed: not counted")
                continue
            for name, (first, last) in POSITIONS.items():
                spent[side.name][name] += outcome.latencies[first - 1 : last]
    return [
        Figure(f"chat_ms_{name}", median(spent[mine.name][name]), "ms", median(spent[alone.name][name]))
        for name in POSITIONS
        if spent[mine.name][name] and spent[alone.name][name]
    ]


def _quantile(values: list[float], share: float) -> float:
    """The value that a share of all lie at or below."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)] if ordered else float("nan")


def _print(figures: list[Figure]) -> None:
    table = Table("", "ours", "stock", "unit", "ours is better by", title="chat")
    for figure in figures:
        table.add_row(figure.name, f"{figure.value:.1f}", f"{figure.baseline:.1f}", figure.unit, f"{figure.ratio:.2f}x")
    console.print(table)


def _say(line: str) -> None:
    console.print(f"[dim]load {os.getloadavg()[0]:.1f}[/] {line}", highlight=False)
