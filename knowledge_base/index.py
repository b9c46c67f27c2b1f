"""The index: one SQLite file with sheets, sections, asked-as lines, full text and vectors. Built here, read by search.

The build is a pure function of the sheets, the encoder and the out-of-scope examples; the file is swapped atomically.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import sqlite_utils

from knowledge_base import confidence
from knowledge_base.adapter import train_adapter
from knowledge_base.encoder import Encoder
from knowledge_base.search import Searcher
from knowledge_base.sheet import Sheet
from knowledge_base.text import LEXICON, index_terms, normalise

FORMAT = "7"  # raise it when the tables change: older files are rebuilt


def fingerprint(sheets: list[Sheet], out_of_scope: list[str], encoder_key: str) -> str:
    """What an index is made of; equal fingerprints mean equal indexes."""
    digest = hashlib.sha256(f"{FORMAT} {encoder_key}".encode())
    for part in [json.dumps(asdict(sheet), default=str, ensure_ascii=False) for sheet in sheets] + out_of_scope:
        digest.update(part.encode() + b"\0")
    for file in sorted(LEXICON.iterdir()):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def stored_fingerprint(file: Path) -> str | None:
    if not file.exists():
        return None
    database = sqlite_utils.Database(file)
    return str(database["meta"].get("fingerprint")["value"]) if database["meta"].exists() else None


def build_index(
    sheets: list[Sheet],
    encoder: Encoder,
    out_of_scope: list[str],
    file: Path,
    encoder_key: str,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write the index of some sheets to ``file``, replacing it in one step.

    Args:
        out_of_scope: questions that no sheet answers; the confidence is calibrated against them.
        progress: called with (sections done, sections in all).
    """
    scratch = file.with_name(file.name + ".new")
    scratch.unlink(missing_ok=True)
    file.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite_utils.Database(scratch)
    _create_tables(database)
    total = sum(len(sheet.sections) for sheet in sheets)
    done = 0
    for sheet in sheets:
        database["sheets"].insert(_sheet_row(sheet), pk=("region", "id"))
        for position in range(len(sheet.sections)):
            _add_section(database, encoder, sheet, position)
            done += 1
            if progress is not None:
                progress(done, total)
    with Searcher(scratch, encoder) as searcher:
        names = [searcher.sections[place]["sheet"] for place in searcher.asked_section]
        adapter = train_adapter(searcher.asked, names)
    database["meta"].insert({"key": "adapter", "value": json.dumps(adapter.as_json())}, pk="key")
    with Searcher(scratch, encoder) as searcher:
        model = confidence.fit(searcher, [normalise(text) for text in out_of_scope])
    database["meta"].insert_all(
        [
            {"key": "fingerprint", "value": fingerprint(sheets, out_of_scope, encoder_key)},
            {"key": "confidence", "value": json.dumps(model)},
        ]
    )
    database.close()
    scratch.replace(file)


def _create_tables(database: sqlite_utils.Database) -> None:
    database["sections"].create(
        {"id": int, "region": str, "sheet": str, "key": str, "aspect": str, "title": str, "short": str, "body": str,
         "sources": str, "position": int, "vector": bytes},
        pk="id",
    )  # fmt: skip
    database["asked"].create({"id": int, "section": int, "text": str, "vector": bytes}, pk="id", foreign_keys=["section"])
    database["terms"].create({"section": int, "said": str}, pk="section")
    database["terms"].enable_fts(["said"], tokenize="unicode61", create_triggers=True)


def _sheet_row(sheet: Sheet) -> dict[str, Any]:
    row = {key: value for key, value in vars(sheet).items() if key not in ("sections", "contacts", "criteria")}
    for key, value in row.items():
        if isinstance(value, date):
            row[key] = value.isoformat()
    return {
        **row,
        "contacts": json.dumps(sheet.contacts),
        "criteria": sheet.criteria.as_json() if sheet.criteria else None,
    }


def _add_section(database: sqlite_utils.Database, encoder: Encoder, sheet: Sheet, position: int) -> None:
    section = sheet.sections[position]
    passage = normalise(f"{sheet.title} {section.title} {section.short} {section.body}")
    row = database["sections"].insert(
        {
            "region": sheet.region, "sheet": sheet.id, "key": section.key, "aspect": section.aspect, "title": section.title,
            "short": section.short, "body": section.body, "position": position,
            "sources": json.dumps([asdict(source) for source in section.sources], ensure_ascii=False),
            "vector": _packed(encoder.passage(passage)),
        }
    )  # fmt: skip
    section_id = row.last_pk
    asked = [normalise(text) for text in section.asked]
    vectors = encoder.questions(asked)
    database["asked"].insert_all(
        {"section": section_id, "text": text, "vector": _packed(vector)} for text, vector in zip(asked, vectors, strict=True)
    )
    # the terms are joined by blanks, so that the full-text index can be browsed, and cut the same way when asked
    database["terms"].insert({"section": section_id, "said": " ".join(index_terms(" ".join([passage, *asked])))})


def _packed(vector: np.ndarray) -> bytes:
    return bytes(vector.astype(np.float32).tobytes())
