"""Soak: does memory stay level while thousands of villagers write? See README.md."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.conversations import Villagers
from benchmarks.load import closed_loop
from benchmarks.processes import own_rss_mb, tree
from benchmarks.sides import Ours, scratch_directory

RESULTS = Path(__file__).parent / "results" / "soak.json"
MESSAGES, STEP, CONNECTIONS = 20_000, 2_000, 16
console = Console()


def main(*, quick: bool = False) -> None:
    """Write messages in steps, look at each process after each, print, and write the results (not with ``quick``)."""
    messages, step = (400, 100) if quick else (MESSAGES, STEP)
    with scratch_directory() as scratch:
        ours = Ours(scratch)
        with ours.up() as (side, pid, _):
            service, rasa = pid, next(child for child in tree(pid) if child != pid)
            villagers, answered, failures = Villagers("soak"), 0, 0
            seen: list[tuple[int, float, float]] = []
            for _ in range(messages // step):
                outcome = closed_loop(side, villagers.conversations(step), CONNECTIONS)
                answered += len(outcome.latencies)
                failures += outcome.failures
                seen.append((answered, own_rss_mb(rasa), own_rss_mb(service)))
                console.print(
                    f"{answered} answered, {outcome.per_second:.1f} msg/s, Rasa {seen[-1][1]:.0f}, service {seen[-1][2]:.0f} MB"
                )
        console.print(f"{failures} failed, {ours.degraded} were answered without Rasa")
    figures = _figures(seen)
    _print(figures)
    if not quick:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
        console.print(f"written: {RESULTS}")


def _figures(seen: list[tuple[int, float, float]]) -> list[dict[str, Any]]:
    """Memory after the first step, when all is loaded, is what the end is held against."""
    _, rasa_before, service_before = seen[0]
    answered, rasa_after, service_after = seen[-1]
    return [
        {"name": "soak_messages", "value": answered, "unit": "messages", "baseline": None},
        {"name": "soak_rasa_rss_mb", "value": round(rasa_after, 1), "unit": "MB", "baseline": round(rasa_before, 1)},
        {"name": "soak_service_rss_mb", "value": round(service_after, 1), "unit": "MB", "baseline": round(service_before, 1)},
    ]


def _print(figures: list[dict[str, Any]]) -> None:
    table = Table("", "at the end", "after the first step", "unit", title="soak")
    for figure in figures:
        table.add_row(figure["name"], str(figure["value"]), str(figure["baseline"] or ""), figure["unit"])
    console.print(table)
