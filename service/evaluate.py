"""«mingbai evaluate»: every item of a labelled file through the whole running assistant, Rasa included."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from core.settings import Settings
from knowledge_base.evaluation import Item, Outcome, Report, load_items, measure
from knowledge_base.sheet import Section, load_sheets
from service.artefacts import SHEETS
from service.remote import Remote, connect, throwaway_service


def run_evaluation(file: Path, settings: Settings, url: str | None, say: Callable[[str], None]) -> Report:
    """The report over a file. Without a ``url`` on a demo county with throwaway data, so that no live queue is touched."""
    items = load_items(file)
    sheets = load_sheets(SHEETS)
    said = {f"/sheets/{sheet.region}/{sheet.id}#{section.key}": section for sheet in sheets for section in sheet.sections}
    with ExitStack() as stack:
        if url is None:
            say("starting an assistant on throwaway data")
        remote = stack.enter_context(throwaway_service(settings) if url is None else connect(url))
        shown = track(items, "evaluating", console=Console(stderr=True), transient=True)
        outcomes = [_send(remote, item, said) for item in shown]
    return measure(outcomes, {sheet.id for sheet in sheets})


def _send(remote: Remote, item: Item, said: dict[str, Section]) -> Outcome:
    """One fresh sender an item; its context is replayed first."""
    sender = f"eval-{secrets.token_hex(8)}"
    for earlier in item.context:
        remote.chat(sender, earlier)
    began = time.perf_counter()
    answer = remote.chat(sender, item.text)
    seconds = time.perf_counter() - began
    sources = [(source["sheet"], source["section"].partition(".")[0]) for source in answer["sources"]]
    urgent = (answer["case"] or {}).get("urgency") == "urgent"
    spoken = _stands_there(answer, said) if sources else None
    return Outcome(item, answer["understood"]["kind"], sources, urgent, seconds, spoken)


def _stands_there(answer: dict[str, Any], said: dict[str, Section]) -> bool:
    """Whether an answer says what stands in the section that it cites first."""
    section = said.get(answer["sources"][0]["url"])
    return section is not None and any(section.short in reply["text"] for reply in answer["replies"])
