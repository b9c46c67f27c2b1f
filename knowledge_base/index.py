"""The index: one SQLite file with sheets, sections, asked-as lines, words and vectors. Built here, read by search.

The build is a pure function of the sheets, the encoder, the lexicons and the out-of-scope examples; the file is swapped
atomically. Whatever a section was worked out to in the file before is taken over, if its text did not change.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import sqlite_utils

from knowledge_base import confidence
from knowledge_base.adapter import train_adapter, train_wording
from knowledge_base.encoder import Encoder
from knowledge_base.search import Searcher
from knowledge_base.sheet import Section, Sheet
from knowledge_base.text import LEXICON, index_terms, normalise
from knowledge_base.words import postings

FORMAT = "9"  # raise it when the tables or what they hold change: older files are rebuilt
ASKED_SHARE = 0.65  # of a section's one vector for ranking: asked-as lines, the rest its passage
SHARED_LINES = 20_000  # asked-as lines kept at hand: counties' sheets share most of the region's
LINES = 12_000  # asked-as lines that the adapters learn from, spread evenly
_TREATMENT = [Path(__file__).with_name(name) for name in ("text.py", "pinyin.py", "encoder.py")]


def fingerprint(sheets: list[Sheet], out_of_scope: list[str], encoder_key: str) -> str:
    """What an index is made of; equal fingerprints mean equal indexes."""
    digest = hashlib.sha256(_making(encoder_key).encode())
    for part in [json.dumps(asdict(sheet), default=str, ensure_ascii=False) for sheet in sheets] + out_of_scope:
        digest.update(part.encode() + b"\0")
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
    earlier: Path | None = None,
) -> None:
    """Write the index of some sheets to ``file``, replacing it in one step.

    Args:
        out_of_scope: questions that no sheet answers; the confidence is calibrated against them.
        progress: called with (sections done, sections in all).
        earlier: an index to take over from what did not change; default: the one that is replaced.
    """
    scratch = file.with_name(file.name + ".new")
    scratch.unlink(missing_ok=True)
    file.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite_utils.Database(scratch)) as database, closing(_Earlier(earlier or file, _making(encoder_key))) as known:
        _create_tables(database)
        database["sheets"].insert_all((_sheet_row(sheet) for sheet in sheets), pk=("region", "id"))
        total = sum(len(sheet.sections) for sheet in sheets)
        for done, worked in enumerate(_worked_out(sheets, encoder, known), 1):
            _add_section(database, done, worked)
            if progress is not None:
                progress(done, total)
        said = (Counter(text.split()) for (text,) in database.execute("select said from sections order by id").fetchall())
        database.conn.executemany("insert into postings values (?, ?, ?, ?)", postings(said))
        database["asked"].create_index(["section"])
        database["asked"].create_index(["text"])
        _learn(database)
        database.conn.commit()
        with Searcher(scratch, encoder) as searcher:
            model = confidence.fit(searcher, [normalise(text) for text in out_of_scope])
        _keep(database, "confidence", json.dumps(model))
        _keep(database, "making", json.dumps(_making(encoder_key)))
        _keep(database, "fingerprint", fingerprint(sheets, out_of_scope, encoder_key))
        database.conn.commit()
    scratch.replace(file)


@dataclass(frozen=True)
class _Worked:
    """A section and what was worked out of its text; vectors as float16."""

    sheet: Sheet
    position: int
    content: str
    passage: np.ndarray
    asked: list[tuple[str, np.ndarray]]
    said: str

    @property
    def section(self) -> Section:
        return self.sheet.sections[self.position]

    @property
    def dense(self) -> np.ndarray:
        """The one vector that ranks the section: its passage and the middle of its asked-as lines."""
        middle = np.mean([vector.astype(np.float32) for _, vector in self.asked], axis=0)
        middle /= max(float(np.linalg.norm(middle)), 1e-9)
        return np.asarray((1 - ASKED_SHARE) * self.passage.astype(np.float32) + ASKED_SHARE * middle)


class _Earlier:
    """The index as it was, if it was made in the same way: what is known of a text need not be worked out again."""

    def __init__(self, file: Path, making: str) -> None:
        self._database = sqlite3.connect(f"file:{file}?mode=ro", uri=True, check_same_thread=False) if file.exists() else None
        try:
            known = self._rows("select value from meta where key = 'making'")
        except sqlite3.DatabaseError:  # of another format, or no index at all
            known = []
        if known != [(json.dumps(making),)]:
            self.close()

    def close(self) -> None:
        if self._database is not None:
            self._database.close()
        self._database = None

    def section(self, sheet: Sheet, position: int, content: str) -> _Worked | None:
        """The section with exactly this content, of whatever sheet."""
        found = self._rows("select id, passage, said from sections where content = ? limit 1", content)
        if not found:
            return None
        number, passage, said = found[0]
        lines = self._rows("select text, vector from asked where section = ? order by id", number)
        asked = [(text, np.frombuffer(vector, np.float16)) for text, vector in lines]
        return _Worked(sheet, position, content, np.frombuffer(passage, np.float16), asked, said)

    def line(self, text: str) -> np.ndarray | None:
        found = self._rows("select vector from asked where text = ? limit 1", text)
        return np.frombuffer(found[0][0], np.float16) if found else None

    def _rows(self, sql: str, *values: Any) -> list[Any]:
        return self._database.execute(sql, values).fetchall() if self._database is not None else []


def _making(encoder_key: str) -> str:
    """How texts are treated: format, encoder, lexicons and the code that applies them."""
    digest = hashlib.sha256(f"{FORMAT} {encoder_key}".encode())
    for file in [*sorted(LEXICON.iterdir()), *_TREATMENT]:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _worked_out(sheets: list[Sheet], encoder: Encoder, earlier: _Earlier) -> Iterator[_Worked]:
    """All sections in order. What is new is encoded on all processors: the encoder leaves the interpreter free."""

    @lru_cache(SHARED_LINES)
    def line(text: str) -> np.ndarray:
        known = earlier.line(text)
        return encoder.question(text).astype(np.float16) if known is None else known

    def work(item: tuple[Sheet, int]) -> _Worked:
        sheet, position = item
        section = sheet.sections[position]
        content = hashlib.sha256(json.dumps([sheet.title, asdict(section)], ensure_ascii=False).encode()).hexdigest()
        known = earlier.section(sheet, position, content)
        if known is not None:
            return known
        passage = normalise(f"{sheet.title} {section.title} {section.short} {section.body}")
        asked = [normalise(text) for text in section.asked]
        said = " ".join(index_terms(" ".join([passage, *asked])))
        vector = encoder.passage(passage).astype(np.float16)
        return _Worked(sheet, position, content, vector, [(text, line(text)) for text in asked], said)

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        yield from pool.map(work, ((sheet, position) for sheet in sheets for position in range(len(sheet.sections))))


def _create_tables(database: sqlite_utils.Database) -> None:
    database["meta"].create({"key": str, "value": str}, pk="key")
    database["sections"].create(
        {"id": int, "region": str, "sheet": str, "key": str, "aspect": str, "title": str, "short": str, "body": str,
         "sources": str, "position": int, "content": str, "said": str, "passage": bytes, "dense": bytes},
        pk="id",
    )  # fmt: skip
    database["sections"].create_index(["content"])
    database["asked"].create({"id": int, "section": int, "text": str, "vector": bytes}, pk="id", foreign_keys=["section"])
    database["postings"].create({"term": str, "idf": float, "places": bytes, "weights": bytes}, pk="term")


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


def _add_section(database: sqlite_utils.Database, number: int, worked: _Worked) -> None:
    section = worked.section
    sources = json.dumps([asdict(source) for source in section.sources], ensure_ascii=False)
    database.conn.execute(
        "insert into sections values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            number, worked.sheet.region, worked.sheet.id, section.key, section.aspect, section.title, section.short, section.body,
            sources, worked.position, worked.content, worked.said, worked.passage.tobytes(),
            worked.dense.astype(np.float16).tobytes(),
        ),
    )  # fmt: skip
    database.conn.executemany(
        "insert into asked (section, text, vector) values (?, ?, ?)",
        [(number, text, vector.tobytes()) for text, vector in worked.asked],
    )


def _learn(database: sqlite_utils.Database) -> None:
    """Train what tells sheets and aspects apart, on the asked-as lines."""
    (total,) = database.execute("select count(*) from asked").fetchone()
    rows = database.execute(
        "select a.text, a.vector, s.sheet, s.aspect from asked a join sections s on s.id = a.section where (a.id - 1) % ? = 0",
        [max(1, total // LINES)],
    ).fetchall()
    # a sheet of few lines may fall between: each name must be known
    rows += database.execute(
        "select a.text, a.vector, s.sheet, s.aspect from asked a join sections s on s.id = a.section group by s.sheet, s.aspect"
    ).fetchall()
    vectors = np.stack([np.frombuffer(vector, np.float16) for _, vector, _, _ in rows]).astype(np.float64)
    aspects = [aspect for *_, aspect in rows]
    _keep(database, "middle", json.dumps(vectors.mean(0).round(5).tolist()))
    _keep(database, "sheets", json.dumps(train_adapter(vectors, [sheet for _, _, sheet, _ in rows]).as_json()))
    _keep(database, "aspects", json.dumps(train_adapter(vectors, aspects).as_json()))
    _keep(database, "wording", json.dumps(train_wording([text for text, *_ in rows], aspects).as_json(), ensure_ascii=False))


def _keep(database: sqlite_utils.Database, key: str, value: str) -> None:
    database["meta"].insert({"key": key, "value": value})
