"""Search: 22 sheets and 20,000 sections, four threads asking at once. See README.md for what is measured and how."""

from __future__ import annotations

import json
import multiprocessing
import re
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.processes import rss_mb
from core.regions import load_regions
from core.settings import PROJECT_ROOT, Settings
from knowledge_base.encoder import Encoder
from knowledge_base.index import build_index
from knowledge_base.search import Searcher
from knowledge_base.sheet import Section, Sheet, load_sheets
from knowledge_base.text import index_terms, normalise
from service.artefacts import SHEETS, Artefacts, examples

RESULTS = Path(__file__).parent / "results" / "search.json"
MESSAGES = PROJECT_ROOT / "tests" / "data" / "messages.jsonl"
DAY = date(2026, 11, 24)
THREADS = 4
SECTIONS, QUICK_SECTIONS = 20_000, 600
OWN_LINES = 4  # asked-as lines of a copied section that name its place; the others are the region's, as counties take them over
FIGURE = re.compile(r"(?<![\d年SG])[1-9]\d{1,4}(?=[元天亩只头月户人斤])")
console = Console()


def main(*, quick: bool = False) -> None:
    """Measure, print and, unless quick, write the results."""
    settings = Settings()
    artefacts = Artefacts(settings)
    artefacts.prepare_encoder(console.print)
    real = [sheet for sheet in load_sheets(SHEETS) if sheet.region == "45"]
    questions = _questions()
    with tempfile.TemporaryDirectory(prefix="mingbai-bench-") as scratch:
        small, large = Path(scratch) / "small.db", Path(scratch) / "large.db"
        many = copied(real, QUICK_SECTIONS if quick else SECTIONS)
        _build(real, artefacts, small)
        built = _build(many, artefacts, large)
        rebuilt = _build([*many[:-1], _changed(many[-1])], artefacts, large)
        asked = {file: _in_a_process(_asked, file, artefacts.encoder, questions) for file in (small, large)}
        alone = {file: _in_a_process(_asked_fts5, file, questions) for file in (small, large)}
    figures = [
        ("search_p50_ms_22", asked[small]["p50_ms"], "ms", alone[small]["p50_ms"]),
        ("search_p95_ms_22", asked[small]["p95_ms"], "ms", alone[small]["p95_ms"]),
        ("search_p50_ms_20k", asked[large]["p50_ms"], "ms", alone[large]["p50_ms"]),
        ("search_p95_ms_20k", asked[large]["p95_ms"], "ms", alone[large]["p95_ms"]),
        ("index_build_20k_s", built, "s", None),
        ("index_rebuild_20k_s", rebuilt, "s", None),
        ("index_rss_mb", asked[large]["rss_mb"], "MB", None),
    ]
    table = Table("", "ours", "unit", "BM25 alone (FTS5)")
    for name, value, unit, baseline in figures:
        table.add_row(name, f"{value:.2f}", unit, "" if baseline is None else f"{baseline:.2f}")
    console.print(table)
    if not quick:
        keys = ("name", "value", "unit", "baseline")
        rounded = [(name, round(value, 2), unit, baseline and round(baseline, 2)) for name, value, unit, baseline in figures]
        RESULTS.write_text(json.dumps([dict(zip(keys, row, strict=True)) for row in rounded], indent=1) + "\n", "utf-8")


def copied(sheets: list[Sheet], sections: int) -> list[Sheet]:
    """So many sections of distinct text: the sheets over and over, each time for another place and with other figures.

    All are the whole region's, so that every section may answer every question: the hardest case.
    """
    regions = load_regions()
    counties = [county for city in regions.children("45") for county in regions.children(city.code)]
    places = [town.name for county in counties for town in regions.children(county.code)]
    made: list[Sheet] = []
    total = number = 0
    while total < sections:
        for sheet in sheets:
            place, kept = places[number % len(places)], sheet.sections[: sections - total]
            made.append(
                replace(
                    sheet, id=f"{sheet.id}-{number}", title=f"{place}{sheet.title}",
                    sections=[_moved(section, place, number) for section in kept],
                )
            )  # fmt: skip
            total += len(kept)
            number += 1
            if total >= sections:
                break
    return made


def _moved(section: Section, place: str, number: int) -> Section:
    """A section as another place might have it."""

    def other(text: str) -> str:
        return FIGURE.sub(lambda found: str(int(found.group()) + number % 997), text)

    own = [f"{place}{line}" for line in section.asked[:OWN_LINES]]
    short, body = other(section.short), f"{place}：{other(section.body)}"
    return replace(section, short=short, body=body, asked=[*own, *section.asked[OWN_LINES:]])


def _changed(sheet: Sheet) -> Sheet:
    first, *others = sheet.sections
    return replace(sheet, sections=[replace(first, body=first.body + "\n有变化再看。"), *others])


def _build(sheets: list[Sheet], artefacts: Artefacts, file: Path) -> float:
    """Seconds to build the index."""
    began = time.perf_counter()
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("indexing", total=sum(len(sheet.sections) for sheet in sheets))
        build_index(
            sheets, Encoder(artefacts.encoder), examples("out_of_scope"), file, artefacts.encoder_key,
            lambda done, total: progress.update(task, completed=done, total=total),
        )  # fmt: skip
    return time.perf_counter() - began


def _questions() -> list[str]:
    rows = [json.loads(line) for line in MESSAGES.read_text("utf-8").splitlines() if line]
    return [row["text"] for row in rows if row["kind"] == "policy"]


def _in_a_process(measure: Callable[..., dict[str, float]], *arguments: Any) -> dict[str, float]:
    """A measurement in a process of its own, so that memory is that of what was opened there."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure, *arguments).result()


def _asked(file: Path, encoder_directory: Path, questions: list[str]) -> dict[str, float]:
    """Latencies of whole searches, and what the opened index adds to the process's memory."""
    encoder = Encoder(encoder_directory)
    for text in questions[:20]:  # dictionaries and the encoder's own memory do not belong to the index
        encoder.question(normalise(text))
        index_terms(text)
    normalise("dibao")
    before = rss_mb([multiprocessing.current_process().pid or 0])
    with Searcher(file, encoder) as searcher:
        times = _latencies(lambda text: searcher.search(text, region="450481", day=DAY), questions)
        after = rss_mb([multiprocessing.current_process().pid or 0])
    return {**times, "rss_mb": after - before}


def _asked_fts5(file: Path, questions: list[str]) -> dict[str, float]:
    """Latencies of SQLite's own full-text search over the same words, best five of all sections that share one."""
    local = threading.local()
    copy = file.with_suffix(".fts5.db")
    copy.unlink(missing_ok=True)
    with sqlite3.connect(copy) as made:
        made.execute("attach ? as known", (str(file),))
        made.execute("create virtual table fts using fts5(said, tokenize = 'unicode61')")
        made.execute("insert into fts (rowid, said) select id, said from known.sections")
    made.close()

    def ask(text: str) -> None:
        if not hasattr(local, "database"):
            local.database = sqlite3.connect(copy)
        terms = " OR ".join(f'"{term}"' for term in dict.fromkeys(index_terms(normalise(text))) if '"' not in term)
        local.database.execute("select rowid, bm25(fts) from fts where fts match ? order by 2 limit 5", (terms,)).fetchall()

    return _latencies(ask, questions)


def _latencies(ask: Callable[[str], object], questions: list[str]) -> dict[str, float]:
    """Milliseconds a question, some threads asking at once; each question once, after a few that do not count."""

    def timed(text: str) -> float:
        began = time.perf_counter()
        ask(text)
        return (time.perf_counter() - began) * 1000

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(timed, questions[:20]))
        times = sorted(pool.map(timed, questions))
    return {"p50_ms": median(times), "p95_ms": times[int(len(times) * 0.95)]}
