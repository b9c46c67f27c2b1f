"""Hybrid search over the index: words (BM25), passages and asked-as lines (vectors), and a trained adapter that knows
the sheets apart, summed with weights.

Maxima and reciprocal ranks were measured and are worse than the sum (docs/knowledge-base.md).
"""

from __future__ import annotations

import json
import sqlite3
import threading
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import yaml

from knowledge_base import confidence
from knowledge_base.adapter import Adapter
from knowledge_base.criteria import Criteria
from knowledge_base.encoder import Encoder
from knowledge_base.source import Source
from knowledge_base.text import index_terms, normalise

WEIGHTS = np.array([0.2, 0.3, 0.3, 0.4])  # passage, asked-as, words, sheet: of standardised scores
WHOLE_REGION = "45"
TOPICS = Path(__file__).parent / "topics.yml"


@dataclass(frozen=True)
class Hit:
    """A section that may answer. ``score`` is 0..1: how sure we are that it does."""

    sheet: str
    sheet_title: str
    region: str
    key: str
    aspect: str
    title: str
    short: str
    body: str
    sources: list[Source]
    issuer: str
    effective_from: str
    reviewed_on: str
    score: float

    @property
    def url(self) -> str:
        return f"/sheets/{self.region}/{self.sheet}#{self.key}"


@dataclass(frozen=True)
class SheetFacts:
    """What a sheet's page shows beside its sections. ``contacts``: «village» or phone numbers."""

    document: str
    effective_to: str | None
    contacts: list[str]
    criteria: Criteria | None = None


@dataclass(frozen=True)
class Result:
    """The best sections, best first, and the probability that any sheet answers the question at all."""

    hits: list[Hit]
    confidence: float
    missing: str | None = None  # the topic asked about, when its sheet is not written yet


@dataclass(frozen=True)
class Scores:
    """Raw scores of one question, each with one value a section."""

    passage: np.ndarray
    asked: np.ndarray
    words: np.ndarray
    sheet: np.ndarray

    def total(self, among: np.ndarray) -> np.ndarray:
        """The weighted sum, standardised over the sections that may answer; -inf elsewhere."""
        sums = np.full(len(self.passage), -np.inf)
        if among.any():
            parts = [_standardised(part[among]) for part in (self.passage, self.asked, self.words, self.sheet)]
            sums[among] = sum(weight * part for weight, part in zip(WEIGHTS, parts, strict=True))
        return sums


class Searcher:
    """An index opened for reading, its vectors in memory. Thread-safe."""

    def __init__(self, file: Path, encoder: Encoder) -> None:
        self.encoder = encoder
        self._lock = threading.Lock()
        self._database = sqlite3.connect(f"file:{file}?mode=ro", uri=True, check_same_thread=False)
        self._database.row_factory = sqlite3.Row
        self.sections = self._rows(
            "select s.*, h.title sheet_title, h.issuer, h.effective_from, h.effective_to, h.reviewed_on, h.document, h.contacts "
            "from sections s join sheets h on h.id = s.sheet and h.region = s.region order by s.id"
        )
        asked = self._rows("select section, text, vector from asked order by section, id")
        self._place = {row["id"]: place for place, row in enumerate(self.sections)}
        self.passages = _matrix([row["vector"] for row in self.sections], encoder.dimension)
        self.asked = _matrix([row["vector"] for row in asked], encoder.dimension)
        self.asked_texts = [str(row["text"]) for row in asked]
        self.asked_section = np.array([self._place[row["section"]] for row in asked], np.int64)
        self._model = self._stored("confidence")
        adapter = self._stored("adapter")
        self._sheets = Adapter.from_json(adapter) if adapter else None
        names = self._sheets.names if self._sheets else []
        self._sheet_of = np.array([names.index(row["sheet"]) for row in self.sections] if names else [], np.int64)
        with_criteria = self._rows("select id, region, criteria from sheets where criteria is not null")
        self._criteria = {(row["id"], row["region"]): Criteria.from_json(row["criteria"]) for row in with_criteria}
        self._topics: dict[str, dict[str, Any]] = yaml.safe_load(TOPICS.read_text("utf-8"))

    def __enter__(self) -> Searcher:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._database.close()

    def search(
        self,
        question: str,
        *,
        vector: np.ndarray | None = None,
        before: str = "",
        region: str | None = None,
        day: date,
        limit: int = 5,
    ) -> Result:
        """The sections that answer a question best, for a place and a day.

        Args:
            question: as typed; ``vector`` is the encoder's vector of its normalised form, if the caller has it.
            before: what was asked before, for a question that makes sense only after it.
            region: the villager's place, any code; without one only the region-wide sheets answer.
        """
        text = normalise(question)
        scores = self.scores(text, self.encoder.question(text) if vector is None else vector)
        answering = self._answering(region, day)
        total = scores.total(answering)
        if before:
            # the question before says which sheet, this one says which section
            text = normalise(f"{before} {question}")
            scores = self.scores(text, self.encoder.question(text))
            total = (total + scores.total(answering)) / 2
        order = [int(place) for place in np.argsort(-total, kind="stable")[:limit] if total[place] > -np.inf]
        if not order or self._model is None:
            return Result([], 0.0)
        sure = confidence.probability(self._model, confidence.features(scores, answering))
        gaps = total[order] - total[order[0]]
        hits = [self._hit(place, sure * float(np.exp(gap))) for place, gap in zip(order, gaps, strict=True)]
        return self._without_sheet(text, hits, sure)

    def scores(self, text: str, vector: np.ndarray, without: list[int] | None = None) -> Scores:
        """Raw scores of a normalised text. ``without`` leaves some asked-as lines out (to calibrate on them)."""
        near = self.asked @ vector
        near[without or []] = -1.0
        best = np.full(len(self.sections), -1.0)
        np.maximum.at(best, self.asked_section, near)
        sheet = self._sheets.scores(vector)[self._sheet_of] if self._sheets else np.zeros(len(self.sections))
        return Scores(self.passages @ vector, best, self._words(text), sheet)

    def sheet_titles(self, region: str | None, day: date) -> list[tuple[str, str, str]]:
        """(id, title, region) of the sheets in force, in order of id."""
        rows = [self.sections[place] for place in np.flatnonzero(self._answering(region, day))]
        return sorted({(row["sheet"], row["sheet_title"], row["region"]) for row in rows})

    def sheet(self, sheet: str, region: str) -> SheetFacts:
        """What stands in a sheet's front matter. Raises LookupError."""
        for row in self.sections:
            if (row["sheet"], row["region"]) == (sheet, region):
                return SheetFacts(
                    row["document"], row["effective_to"], json.loads(row["contacts"]), self._criteria.get((sheet, region))
                )
        raise LookupError(f"no sheet {region}/{sheet}")

    def with_criteria(self, region: str | None, day: date) -> list[tuple[str, str, Criteria]]:
        """(id, region, criteria) of the sheets in force that have a pre-check, in order of id."""
        listed = [(name, place) for name, _, place in self.sheet_titles(region, day)]
        return [(*name, self._criteria[name]) for name in listed if name in self._criteria]

    def criteria(self, sheet: str, region: str, day: date) -> Criteria | None:
        """The pre-check of one region's sheet, if it has one and is in force."""
        found = {(name, place): criteria for name, place, criteria in self.with_criteria(region, day)}
        return found.get((sheet, region))

    def section(self, sheet: str, key: str, region: str | None, day: date) -> Hit | None:
        """One section by name, as it holds for a place and a day."""
        for place in np.flatnonzero(self._answering(region, day)):
            row = self.sections[place]
            if (row["sheet"], row["key"]) == (sheet, key):
                return self._hit(int(place), 1.0)
        return None

    def siblings(self, sheet: str, region: str | None, day: date) -> list[Hit]:
        """All sections of a sheet as they hold for a place and a day."""
        places = np.flatnonzero(self._answering(region, day))
        return [self._hit(int(place), 1.0) for place in places if self.sections[place]["sheet"] == sheet]

    def _answering(self, region: str | None, day: date) -> np.ndarray:
        """Which sections may answer: in force, and of the most local sheet that has the section."""
        mine = (region or WHOLE_REGION)[:6]
        chosen: dict[tuple[str, str], int] = {}
        for place, row in enumerate(self.sections):
            in_force = row["effective_from"] <= day.isoformat() <= (row["effective_to"] or "9999")
            if not in_force or not mine.startswith(row["region"]):
                continue
            name = (row["sheet"], row["key"])
            if name not in chosen or len(row["region"]) > len(self.sections[chosen[name]]["region"]):
                chosen[name] = place
        mask = np.zeros(len(self.sections), bool)
        mask[list(chosen.values())] = True
        return mask

    def _without_sheet(self, text: str, hits: list[Hit], sure: float) -> Result:
        """The result, with the topic named that a text asks about and that no sheet treats yet."""
        written = {section["sheet"] for section in self.sections}
        best = hits[0]
        said = normalise(f"{best.sheet_title} {best.title}")
        own = self._topics.get(best.sheet, {}).get("words", [])  # a county may add a sheet that the topics do not list
        for name, topic in self._topics.items():
            named = [word for word in topic["words"] if word in text and word not in said]
            if name in written or not named or any(word in text for word in own):
                continue
            nearest = [hit for hit in hits if hit.sheet == topic.get("instead")]
            if nearest:
                return Result(nearest + [hit for hit in hits if hit not in nearest], sure)
            return Result(hits, sure, str(topic["title"]))
        return Result(hits, sure)

    def _words(self, text: str) -> np.ndarray:
        """BM25 of each section, 0 where no word matches."""
        scores = np.zeros(len(self.sections))
        terms = dict.fromkeys(term.replace('"', "") for term in index_terms(text))
        query = " OR ".join(f'"{term}"' for term in terms if term)
        if query:
            for row in self._rows("select rowid, bm25(terms_fts) score from terms_fts where terms_fts match ?", query):
                scores[self._place[row["rowid"]]] = -row["score"]
        return scores

    def _rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        with self._lock:
            return self._database.execute(sql, values).fetchall()

    def _stored(self, key: str) -> Any:
        """A value of the index's meta table, None while the index is being built."""
        if not self._rows("select 1 from sqlite_master where name = 'meta'"):
            return None
        found = self._rows("select value from meta where key = ?", key)
        return json.loads(found[0]["value"]) if found else None

    def _hit(self, place: int, score: float) -> Hit:
        row = self.sections[place]
        plain = (
            "sheet",
            "sheet_title",
            "region",
            "key",
            "aspect",
            "title",
            "short",
            "body",
            "issuer",
            "effective_from",
            "reviewed_on",
        )
        sources = [Source(**source) for source in json.loads(row["sources"])]
        return Hit(**{name: row[name] for name in plain}, sources=sources, score=round(score, 4))


def _standardised(values: np.ndarray) -> np.ndarray:
    spread = values.std()
    return (values - values.mean()) / spread if spread > 0 else np.zeros_like(values)


def _matrix(blobs: list[bytes], dimension: int) -> np.ndarray:
    return np.frombuffer(b"".join(blobs), np.float32).reshape(-1, dimension)
