"""Hybrid search over the index: words (BM25), vectors of passages and asked-as lines, and what was learnt from those
lines about sheets and aspects, standardised and summed with weights.

Maxima and reciprocal ranks were measured and are worse than the sum (docs/knowledge-base.md).
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Sized
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import yaml

from knowledge_base import confidence
from knowledge_base.adapter import Adapter, Wording, is_bare_name
from knowledge_base.criteria import Criteria
from knowledge_base.encoder import Encoder
from knowledge_base.parts import in_two
from knowledge_base.source import Source
from knowledge_base.text import normalise
from knowledge_base.view import Place, View, view_of
from knowledge_base.words import Matches, Words

# Of standardised scores: vectors, words, sheet (adapter), aspect (adapter), aspect (wording)
WEIGHTS = np.array([0.45, 0.25, 0.3, 0.2, 0.5])
GENERAL = 0.3  # what a section of the aspect «general» is behind: it answers when no other does
BARE_NAME = 1.0  # what it is ahead where nothing but a topic's name is said
FIRST_PART = 0.5  # weight of what is asked first, where two things are asked: it is answered first
CANDIDATES = 12  # the best sections whose own lines and passages are compared one by one
BEFORE = 1.0  # weight of the sheet that the question before was about, for a follow-up
BOTH_PARTS_FROM = 0.5  # how sure each part of a question in two parts must be
OWN_WORDS_FROM = 0.2  # share of a second part's words that its section must have: the first part vouches for anything
VECTORS = 512  # questions whose vectors are kept: the same are asked again, by skills and by villagers
VIEWS = 16  # places and days kept at a time
TOPICS = Path(__file__).parent / "topics.yml"
# in the order of Hit's fields
_HIT = (
    "s.sheet, h.title, s.region, s.key, s.aspect, s.title, s.short, s.body, s.sources, h.issuer, h.effective_from, h.reviewed_on"
)
_OF_SHEET = "from sections s join sheets h on h.id = s.sheet and h.region = s.region"


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

    @property
    def name(self) -> tuple[str, str]:
        return self.sheet, self.key


@dataclass(frozen=True)
class SheetFacts:
    """What a sheet's page shows beside its sections. ``contacts``: «village» or phone numbers."""

    document: str
    effective_to: str | None
    contacts: list[str]
    criteria: Criteria | None = None


@dataclass(frozen=True)
class Result:
    """The best sections in force, best first, and the probability that any sheet answers the question at all."""

    hits: list[Hit]
    confidence: float
    missing: str | None = None  # the topic asked about, when its sheet is not written yet
    second: Hit | None = None  # answers the other part of a question in two parts; among the hits, after the best
    coming: Hit | None = None  # a section not yet in force that will replace the best hit, or fits better than it


@dataclass(frozen=True)
class Ranked:
    """The sections of a view by how well they fit a question. ``dense``, ``total``: one value a section of the view."""

    view: View
    vector: np.ndarray
    matches: Matches
    dense: np.ndarray
    total: np.ndarray

    def best(self, count: int, among: np.ndarray | None = None) -> list[int]:
        """Positions within the view, best first."""
        total = self.total if among is None else np.where(among, self.total, -np.inf)
        first = np.argpartition(-total, count)[:count] if count < len(total) else np.arange(len(total))
        ordered = first[np.lexsort((first, -total[first]))]
        return [int(at) for at in ordered if total[at] > -np.inf]


@dataclass(frozen=True)
class Hidden:
    """Asked-as lines that are kept out of sight, to calibrate on them: their ids, their section, and its words without them."""

    lines: frozenset[int]
    place: int
    left: Counter[str]


class Searcher:
    """An index opened for reading. Thread-safe. In memory are one vector a section and where it holds; the rest is read."""

    def __init__(self, file: Path, encoder: Encoder) -> None:
        self.encoder = encoder
        self._lock = threading.Lock()
        self._database = sqlite3.connect(f"file:{file}?mode=ro", uri=True, check_same_thread=False)
        meta = {key: json.loads(value) for key, value in self.rows("select key, value from meta where key <> 'fingerprint'")}
        self.places = [
            Place(*row)
            for row in self.rows(
                "select s.sheet, s.region, s.key, s.aspect, h.effective_from, coalesce(h.effective_to, '') "
                f"{_OF_SHEET} order by s.id"
            )
        ]
        self._dense = np.zeros((len(self.places), encoder.dimension), np.float32)
        for number, blob in self._each("select id - 1, dense from sections"):
            self._dense[number] = np.frombuffer(blob, np.float16)
        self.words = Words(self.rows, len(self.places))
        self._sheets, self._aspects = Adapter.from_json(meta["sheets"]), Adapter.from_json(meta["aspects"])
        self.middle = np.array(meta["middle"], np.float32)  # of the asked-as lines: what all questions have in common
        self._wording = Wording.from_json(meta["wording"])
        self._sheet_of = _numbers([place.sheet for place in self.places], self._sheets.names)
        self._aspect_of = _numbers([place.aspect for place in self.places], self._aspects.names)
        self._is_general = np.array([place.aspect == "general" for place in self.places], np.float32)
        self._model: confidence.Model | None = meta.get("confidence")
        criteria = self.rows("select id, region, criteria from sheets where criteria is not null")
        self._criteria = {(sheet, region): Criteria.from_json(stored) for sheet, region, stored in criteria}
        self._written = {place.sheet for place in self.places}
        self._topics: dict[str, dict[str, Any]] = yaml.safe_load(TOPICS.read_text("utf-8"))
        self._everywhere = View(np.arange(len(self.places)), np.ones(len(self.places), bool))
        self._view = lru_cache(VIEWS)(lambda region, day: view_of(self.places, region, day))
        self._vector = lru_cache(VECTORS)(encoder.question)
        self._dense_of = lru_cache(VIEWS)(self._rows_of_view)

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
        key = ((region or "")[:6], day.isoformat())
        text = normalise(question)
        ranked, sure = self._understood(text, before, key, vector)
        if ranked is None:
            return Result([], 0.0)
        order = ranked.best(limit, ranked.view.in_force)
        coming = self._coming(ranked, order, sure)
        if not order:
            return Result([], sure, coming=coming)
        hits = self._hits(ranked, order, sure)
        result = self._without_sheet(normalise(f"{before} {text}"), hits, sure)
        second = self._second_part(text, key, result) if not before else None
        if second is not None:
            others = [hit for hit in result.hits[1:] if hit.name != second.name]
            result = Result([result.hits[0], second, *others], sure, second=second)
        return Result(result.hits, result.confidence, result.missing, result.second, coming)

    def rank(self, text: str, vector: np.ndarray, view: View | None = None) -> Ranked:
        """The sections of a view (of all, without one) by how well they fit a normalised text."""
        view = view or self._everywhere
        matches = self.words.ask(text)
        sheets, aspects, wording = self._sheets.scores(vector), self._aspects.scores(vector), self._wording.scores(text)
        sheet_of, aspect_of = self._sheet_of[view.places], self._aspect_of[view.places]
        parts = (
            self._dense_of(view) @ vector, matches.scores[view.places], sheets[sheet_of], aspects[aspect_of], wording[aspect_of],
        )  # fmt: skip
        total = sum(weight * _standardised(part) for weight, part in zip(WEIGHTS, parts, strict=True))
        general = self._is_general[view.places] * (BARE_NAME if is_bare_name(text) else -GENERAL)
        return Ranked(view, vector, matches, parts[0], np.asarray(total + general))

    def signals(self, ranked: Ranked, hidden: Hidden | None = None) -> np.ndarray:
        """What the confidence looks at, in the order of ``confidence.FEATURES``, over the best few sections."""
        best = [int(ranked.view.places[at]) for at in ranked.best(CANDIDATES)]
        numbers = [place + 1 for place in best]
        passages = self.rows(f"select passage from sections where id in ({_marks(numbers)})", *numbers)
        asked = self.rows(f"select id, vector from asked where section in ({_marks(numbers)})", *numbers)
        lines = [blob for line, blob in asked if hidden is None or line not in hidden.lines]
        near, passage = (
            _matrix(blobs, self.encoder.dimension) @ ranked.vector for blobs in (lines, [row[0] for row in passages])
        )
        overlap = max(self._overlap(ranked, place, hidden) for place in best[:3])
        return np.array([near.max(initial=-1.0), passage.max(), overlap])

    def sheet_titles(self, region: str | None, day: date) -> list[tuple[str, str, str]]:
        """(id, title, region) of the sheets in force, in order of id."""
        mine = {(self.places[place].sheet, self.places[place].region) for place in self._holding(region, day)}
        titles = self.rows("select id, title, region from sheets")
        return sorted((sheet, title, place) for sheet, title, place in titles if (sheet, place) in mine)

    def sheet(self, sheet: str, region: str) -> SheetFacts:
        """What stands in a sheet's front matter. Raises LookupError."""
        found = self.rows("select document, effective_to, contacts from sheets where id = ? and region = ?", sheet, region)
        if not found:
            raise LookupError(f"no sheet {region}/{sheet}")
        document, until, contacts = found[0]
        return SheetFacts(document, until, json.loads(contacts), self._criteria.get((sheet, region)))

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
        return next((hit for hit in self.siblings(sheet, region, day) if hit.key == key), None)

    def announced(self, sheet: str, region: str, day: date) -> list[Hit]:
        """The sections of one region's sheet that is in force from a later day only."""
        own = [at for at, place in enumerate(self.places) if (place.sheet, place.region) == (sheet, region)]
        places = [at for at in own if self.places[at].since > day.isoformat()]
        return self._read(places, [1.0] * len(places))

    def siblings(self, sheet: str, region: str | None, day: date) -> list[Hit]:
        """All sections of a sheet as they hold for a place and a day."""
        places = [place for place in self._holding(region, day) if self.places[place].sheet == sheet]
        return self._read(places, [1.0] * len(places))

    def rows(self, sql: str, *values: Any) -> list[Any]:
        """The rows of a query, as tuples."""
        with self._lock:
            return self._database.execute(sql, values).fetchall()

    # --- how -----------------------------------------------------------------------------------------------------

    def _understood(
        self, text: str, before: str, key: tuple[str, str], vector: np.ndarray | None = None
    ) -> tuple[Ranked | None, float]:
        """The ranking of a normalised text, and how sure it is that a sheet answers."""
        view = self._view(*key)
        if not len(view.places) or self._model is None:
            return None, 0.0
        ranked = self.rank(text, self._vector(text) if vector is None else vector, view)
        parts = in_two(text) if not before else None
        if parts is not None:
            first = self.rank(parts[0], self._vector(parts[0]), view)
            ranked = replace(ranked, total=(1 - FIRST_PART) * ranked.total + FIRST_PART * first.total)
        if before:
            # the question before says which sheet, this one says which section, both together how sure it is
            said, both = normalise(before), normalise(f"{before} {text}")
            topic = self._by_sheet(self.rank(said, self._vector(said), view))
            with_it = self.rank(both, self._vector(both), view)
            ranked = replace(with_it, total=ranked.total + BEFORE * topic)
        return ranked, confidence.probability(self._model, self.signals(ranked))

    def _by_sheet(self, ranked: Ranked) -> np.ndarray:
        """How well each section's sheet fits, standardised: the best of its sections."""
        sheets = self._sheet_of[ranked.view.places]
        best = np.full(len(self._sheets.names), -np.inf)
        np.maximum.at(best, sheets, ranked.total)
        return _standardised(best[sheets])

    def _second_part(self, text: str, key: tuple[str, str], whole: Result) -> Hit | None:
        """The section for the other part of a question in two, if both parts are surely answered, by two sections."""
        parts = in_two(text)
        if parts is None or whole.missing or whole.confidence < BOTH_PARTS_FROM:
            return None
        first = self._surely(parts[0], "", key)
        other = first and (self._surely(parts[1], parts[0], key) or self._surely(parts[1], "", key))
        if first is None or other is None or first.name == other.name:
            return None
        names = {first.name: other, other.name: first}
        return names.get(whole.hits[0].name)  # None: as a whole it means something else than its parts

    def _surely(self, text: str, before: str, key: tuple[str, str]) -> Hit | None:
        ranked, sure = self._understood(text, before, key)
        if ranked is None or sure < BOTH_PARTS_FROM or not ranked.view.in_force.any():
            return None
        best = ranked.best(1, ranked.view.in_force)
        if before and self.words.ask(text).overlap(int(ranked.view.places[best[0]])) < OWN_WORDS_FROM:
            return None
        return self._hits(ranked, best, sure)[0]

    def _coming(self, ranked: Ranked, order: list[int], sure: float) -> Hit | None:
        """What is not yet in force and will replace the best section, or fits better than it."""
        later = ranked.best(CANDIDATES, ~ranked.view.in_force)
        if not later:
            return None
        chosen = later[0] if not order or ranked.total[later[0]] > ranked.total[order[0]] else None
        if chosen is None:
            best = self.places[ranked.view.places[order[0]]]
            same = [
                at for at in later if (found := self.places[ranked.view.places[at]]).sheet == best.sheet and found.key == best.key
            ]
            chosen = same[0] if same else None
        return None if chosen is None else self._hits(ranked, [chosen], sure)[0]

    def _without_sheet(self, text: str, hits: list[Hit], sure: float) -> Result:
        """The result, with the topic named that a text asks about and that no sheet treats yet."""
        best = hits[0]
        said = normalise(f"{best.sheet_title} {best.title}")
        own = self._topics.get(best.sheet, {}).get("words", [])  # a county may add a sheet that the topics do not list
        for name, topic in self._topics.items():
            named = [word for word in topic["words"] if word in text and word not in said]
            if name in self._written or not named or any(word in text for word in own):
                continue
            nearest = [hit for hit in hits if hit.sheet == topic.get("instead")]
            if nearest:
                return Result(nearest + [hit for hit in hits if hit not in nearest], sure)
            return Result(hits, sure, str(topic["title"]))
        return Result(hits, sure)

    def _overlap(self, ranked: Ranked, place: int, hidden: Hidden | None) -> float:
        if hidden is not None and hidden.place == place:
            return ranked.matches.overlap_with(hidden.left)
        return ranked.matches.overlap(place)

    def _holding(self, region: str | None, day: date) -> list[int]:
        view = self._view((region or "")[:6], day.isoformat())
        return [int(place) for place in view.places[view.in_force]]

    def _rows_of_view(self, view: View) -> np.ndarray:
        return self._dense if len(view.places) == len(self.places) else self._dense[view.places]

    def _hits(self, ranked: Ranked, order: list[int], sure: float) -> list[Hit]:
        gaps = ranked.total[order] - ranked.total[order[0]]
        return self._read([int(ranked.view.places[at]) for at in order], [sure * float(np.exp(gap)) for gap in gaps])

    def _read(self, places: list[int], scores: list[float]) -> list[Hit]:
        """The sections of some numbers, in that order."""
        found = self.rows(f"select s.id - 1, {_HIT} {_OF_SHEET} where s.id in ({_marks(places)})", *(at + 1 for at in places))
        by_place = {row[0]: row[1:] for row in found}
        return [_hit(by_place[place], score) for place, score in zip(places, scores, strict=True)]

    def _each(self, sql: str) -> Any:
        """The rows of a query one by one: all at once they would stand in memory twice."""
        return self._database.execute(sql)


def _hit(row: tuple[Any, ...], score: float) -> Hit:
    *front, sources, issuer, since, reviewed = row
    sheet, sheet_title, region, key, aspect, title, short, body = map(str, front)
    facts = [Source(**source) for source in json.loads(sources)]
    return Hit(sheet, sheet_title, region, key, aspect, title, short, body, facts, issuer, since, reviewed, round(score, 4))


def _marks(values: Sized) -> str:
    """A query's place for each of some values."""
    return ",".join("?" * len(values))


def _standardised(values: np.ndarray) -> np.ndarray:
    spread = values.std()
    return (values - values.mean()) / spread if spread > 1e-9 else np.zeros_like(values)


def _numbers(names: list[str], among: list[str]) -> np.ndarray:
    number = {name: at for at, name in enumerate(among)}
    return np.array([number[name] for name in names], np.int64)


def _matrix(blobs: list[bytes], dimension: int) -> np.ndarray:
    return np.frombuffer(b"".join(blobs), np.float16).reshape(-1, dimension).astype(np.float32)
