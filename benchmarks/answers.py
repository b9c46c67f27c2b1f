"""Answers: the right sheet and section for our labelled questions, by ours and by simpler ways. See README.md."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path

import httpx
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.processes import rasa_environment, running
from benchmarks.sides import READY_WITHIN_S, scratch_directory
from benchmarks.stock_rasa import build
from core.settings import PROJECT_ROOT, Settings
from knowledge_base.encoder import Encoder
from knowledge_base.evaluation import Item, Metrics, Outcome, load_items, measure
from knowledge_base.index import build_index
from knowledge_base.search import Searcher
from knowledge_base.sheet import load_sheets
from knowledge_base.text import normalise
from service.artefacts import RASA_PYTHON, SHEETS, Artefacts, examples
from service.supervisor import free_port

MESSAGES = PROJECT_ROOT / "tests" / "data" / "messages.jsonl"
RESULTS = Path(__file__).parent / "results" / "answers.json"
METRICS = ("answer@1", "answer@3", "aspect@1", "followup@1")
DAY = date(2026, 11, 24)
Ask = Callable[[Item], list[tuple[str, str]]]  # an item's (sheet, aspect), best first
console = Console()


def main(*, quick: bool = False) -> None:
    """Measure, print and, unless quick, train the stock assistant if need be and write the results."""
    items = [item for item in load_items(MESSAGES) if item.kind in ("policy", "followup") and item.topics]
    found: dict[str, Metrics] = {}
    with ExitStack() as stack:
        scratch = stack.enter_context(scratch_directory())
        searcher = stack.enter_context(_searcher(scratch))
        sides = {"ours": _ours(searcher), "BM25 alone": _by(searcher, "words"), "vectors alone": _by(searcher, "vectors")}
        project = build.trained() if quick else build.prepare()
        if project is None:
            console.print("stock ResponseSelector left out: it is not trained yet («make bench ONLY=answers» does it)")
        else:
            sides["stock ResponseSelector"] = stack.enter_context(_selector(project, scratch))
        for name, ask in sides.items():
            found[name] = _measured(items, ask)
    table = Table("", *found)
    for metric in METRICS:
        table.add_row(f"{metric} of {found['ours'][metric][1]}", *(f"{metrics[metric][0]:.3f}" for metrics in found.values()))
    console.print(table)
    if not quick:
        figures = [
            {"name": f"{metric} ({name})", "value": round(found["ours"][metric][0], 4), "unit": "share",
             "baseline": round(metrics[metric][0], 4)}
            for name, metrics in found.items() if name != "ours" for metric in METRICS
        ]  # fmt: skip
        RESULTS.write_text(json.dumps(figures, ensure_ascii=False, indent=1) + "\n", "utf-8")


def _measured(items: list[Item], ask: Ask) -> Metrics:
    outcomes = []
    for item in items:
        began = time.perf_counter()
        outcomes.append(Outcome(item, item.kind, ask(item), False, time.perf_counter() - began))
    return measure(outcomes, {topic for item in items for topic in item.topics}).metrics


@contextmanager
def _searcher(scratch: Path) -> Iterator[Searcher]:
    artefacts = Artefacts(Settings())
    artefacts.prepare_encoder(console.print)
    encoder, file = Encoder(artefacts.encoder), scratch / "knowledge.db"
    earlier = Settings().build_dir / "index.db"
    build_index(load_sheets(SHEETS), encoder, examples("out_of_scope"), file, artefacts.encoder_key, earlier=earlier)
    with Searcher(file, encoder) as searcher:
        yield searcher


def _ours(searcher: Searcher) -> Ask:
    """The whole search, without the threshold under which the assistant declines."""

    def ask(item: Item) -> list[tuple[str, str]]:
        hits = searcher.search(item.text, before=" ".join(item.context[-1:]), day=DAY).hits
        return [(hit.sheet, hit.aspect) for hit in hits]

    return ask


def _by(searcher: Searcher, score: str) -> Ask:
    """One score alone; a follow-up is put behind the question before it, as one text."""
    county = np.array([place.region != "45" for place in searcher.places])

    def ask(item: Item) -> list[tuple[str, str]]:
        text = normalise(" ".join([*item.context[-1:], item.text]))
        ranked = searcher.rank(text, searcher.encoder.question(text))
        values = np.where(county, -np.inf, ranked.matches.scores if score == "words" else ranked.dense)
        return [(searcher.places[place].sheet, searcher.places[place].aspect) for place in np.argsort(-values, kind="stable")[:5]]

    return ask


@contextmanager
def _selector(project: Path, scratch: Path) -> Iterator[Ask]:
    """Rasa's ResponseSelector: the ranking of its retrieval intents, whatever intent the classifier sees."""
    port = free_port()
    command = [
        str(RASA_PYTHON), "-m", "rasa", "run", "--enable-api", "--interface", "127.0.0.1", "--port", str(port), "--model",
        "models/stock.tar.gz", "--credentials", "credentials.yml",
    ]  # fmt: skip
    with (
        running(command, project, rasa_environment(), scratch / "selector.log") as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as http,
    ):
        end = time.monotonic() + READY_WITHIN_S
        while not _is_up(http):
            if time.monotonic() > end or process.poll() is not None:
                raise TimeoutError("the stock assistant did not start")
            time.sleep(0.5)

        def ask(item: Item) -> list[tuple[str, str]]:
            text = " ".join([*item.context[-1:], item.text])
            answer = http.post("/model/parse", json={"text": text}).raise_for_status().json()
            ranking = answer["response_selector"]["faq"]["ranking"]
            keys = [one["intent_response_key"].partition("/")[2] for one in ranking[:5]]
            return [(sheet, key.partition("-")[0]) for sheet, _, key in (each.rpartition("_") for each in keys)]

        yield ask


def _is_up(http: httpx.Client) -> bool:
    try:
        return http.get("/status").status_code == 200
    except httpx.TransportError:
        return False
