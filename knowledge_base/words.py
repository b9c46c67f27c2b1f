"""BM25 over jieba's words and pairs of characters: an inverted index whose weights are worked out at build.

Each word's sections and weights are one row of the index file: a question reads the rows of its own words and adds them
up. FTS5's own ``bm25()`` scores every section that shares any word, 20,000 of them in a tenth of a second
(docs/knowledge-base.md).
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from knowledge_base.text import index_terms

K1, B = 1.2, 0.75  # saturation and length, the usual values


@dataclass(frozen=True)
class Matches:
    """What a question's words find. ``scores``: BM25 of each section; the words apart are kept to say what share was found."""

    scores: np.ndarray
    found: list[tuple[str, float, np.ndarray]]  # word, its weight (idf), the sections that have it in rising order
    missing: float  # the weight of the words that no section has

    def overlap(self, place: int) -> float:
        """The share of the question's words, by weight, that a section has; 0..1."""
        shared = 0.0
        for _, idf, places in self.found:
            at = int(np.searchsorted(places, place))
            shared += idf if at < len(places) and places[at] == place else 0.0
        return self._share(shared)

    def overlap_with(self, having: Counter[str]) -> float:
        """The same for a section that had only some words: to calibrate on lines that are its own."""
        return self._share(sum(idf for term, idf, _ in self.found if having[term] > 0))

    def _share(self, shared: float) -> float:
        everything = self.missing + sum(idf for _, idf, _ in self.found)
        return shared / everything if everything else 0.0


class Words:
    """The inverted index of an opened file. ``rows`` runs a query on it."""

    def __init__(self, rows: Callable[..., list[Any]], sections: int) -> None:
        self._rows, self._sections = rows, sections

    def ask(self, text: str) -> Matches:
        """What the words of a normalised text find."""
        terms = list(dict.fromkeys(index_terms(text)))
        scores = np.zeros(self._sections, np.float32)
        known, found = set(), []
        marks = ",".join("?" * len(terms))
        for term, idf, places, weights in self._rows(
            f"select term, idf, places, weights from postings where term in ({marks})", *terms
        ):
            known.add(term)
            at = np.frombuffer(places, np.uint32)
            scores[at] += np.frombuffer(weights, np.float32)
            found.append((term, idf, at))
        unknown = len(terms) - len(known)
        return Matches(scores, found, unknown * _idf(self._sections, 0))


def postings(said: Iterable[Counter[str]]) -> Iterator[tuple[str, float, bytes, bytes]]:
    """The rows (term, idf, places, weights) of sections given as their words with counts, in order."""
    where: dict[str, array[int]] = {}
    counts: dict[str, array[int]] = {}
    lengths = []
    for place, words in enumerate(said):
        lengths.append(sum(words.values()))
        for term, count in words.items():
            where.setdefault(term, array("I")).append(place)
            counts.setdefault(term, array("I")).append(count)
    length = np.array(lengths, np.float32)
    average = float(length.mean()) if lengths else 0.0

    for term in sorted(where):
        places = np.array(where[term], np.uint32)
        idf = _idf(len(lengths), len(places))
        if idf <= 0:  # a word that more than half of the sections have tells nothing
            idf, places = 0.0, places[:0]
        weights = _weight(idf, np.array(counts[term][: len(places)], np.float32), length[places], average)
        yield term, idf, places.tobytes(), weights.astype(np.float32).tobytes()


def _idf(sections: int, having: int) -> float:
    return math.log((sections - having + 0.5) / (having + 0.5))


def _weight(idf: float, count: Any, length: Any, average: float) -> Any:
    return idf * count * (K1 + 1) / (count + K1 * (1 - B + B * length / average))
