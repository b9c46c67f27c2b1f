"""What is learnt from the asked-as lines at build, in a second: to tell sheets apart, and aspects.

The adapter is a linear map from the encoder's frozen vector: one encoder pass serves both, the frozen vector deciding
whether a question is in scope. The wording is a linear map from pairs and triples of characters: «几多», «要带什么», «几时»
say which aspect is asked about, whatever the sheet.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from knowledge_base.text import LEXICON, domain_words, normalise

RIDGE = 1.0
REGULARISATION = 1.0  # of the wording; larger fits closer
WORDINGS_COUNT = 3  # times that a general wording counts as much as an asked-as line: it is surely of its aspect
LEAST_LINES = 3  # a run of characters must stand in as many lines to be learnt
LONGEST_RUN = 3
_SIGNS = " ,，.。?？!！~、;；:："


@dataclass(frozen=True)
class Adapter:
    """A linear map from a question's vector to a score a name. ``weights``: shape (names, dimension)."""

    names: list[str]
    weights: np.ndarray
    intercepts: np.ndarray

    def scores(self, vector: np.ndarray) -> np.ndarray:
        return np.asarray(self.weights @ vector + self.intercepts)

    def as_json(self) -> dict[str, Any]:
        return {"names": self.names, "weights": self.weights.round(4).tolist(), "intercepts": self.intercepts.round(4).tolist()}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Adapter:
        return cls(stored["names"], np.array(stored["weights"], np.float32), np.array(stored["intercepts"], np.float32))


def train_adapter(vectors: np.ndarray, labels: list[str]) -> Adapter:
    """Fit on asked-as lines: their vectors, shape (lines, dimension), and the sheet (or aspect) that each belongs to.

    Least squares with a penalty, every name weighing the same: solved in one step, and as good as a logistic regression.
    """
    names = sorted(set(labels))
    place = np.array([names.index(label) for label in labels])
    weight = (1 / np.bincount(place))[place]
    weight /= weight.mean()
    middle = vectors.mean(0)
    centred = vectors - middle
    wanted = np.eye(len(names))[place]
    wanted -= np.average(wanted, axis=0, weights=weight)
    gram = (centred * weight[:, None]).T @ centred + RIDGE * np.eye(vectors.shape[1])
    weights = np.linalg.solve(gram, (centred * weight[:, None]).T @ wanted).T
    return Adapter(names, weights.astype(np.float32), (-weights @ middle).astype(np.float32))


@dataclass(frozen=True)
class Wording:
    """A linear map from a text's runs of characters to a score an aspect. ``weights``: shape (runs, names), idf included."""

    names: list[str]
    runs: dict[str, int]
    idf: np.ndarray
    weights: np.ndarray
    intercepts: np.ndarray

    def scores(self, text: str) -> np.ndarray:
        counted = Counter(run for run in runs_of(text) if run in self.runs)
        if not counted:
            return self.intercepts
        places = [self.runs[run] for run in counted]
        values = (1 + np.log(np.array(list(counted.values()), np.float32))) * self.idf[places]
        return np.asarray(values / np.linalg.norm(values) @ self.weights[places] + self.intercepts)

    def as_json(self) -> dict[str, Any]:
        return {
            "names": self.names, "runs": self.runs, "idf": self.idf.round(3).tolist(), "weights": self.weights.round(3).tolist(),
            "intercepts": self.intercepts.round(3).tolist(),
        }  # fmt: skip

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Wording:
        idf, weights, intercepts = (np.array(stored[name], np.float32) for name in ("idf", "weights", "intercepts"))
        return cls(stored["names"], stored["runs"], idf, weights.reshape(len(idf), len(intercepts)), intercepts)


def train_wording(texts: list[str], aspects: list[str]) -> Wording:
    """Fit on normalised asked-as lines and the aspect of each one's section, and on the wordings that every sheet shares."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    names = sorted(set(aspects))
    general = [(text, aspect) for text, aspect in general_wordings() if aspect in names] * WORDINGS_COUNT
    texts, aspects = [*texts, *(text for text, _ in general)], [*aspects, *(aspect for _, aspect in general)]
    vectoriser = TfidfVectorizer(analyzer=runs_of, min_df=LEAST_LINES, sublinear_tf=True)
    try:
        values = vectoriser.fit_transform(texts)
    except ValueError:  # no run of characters stands in enough lines
        values = None
    if len(names) < 3 or values is None:  # nothing to tell apart, or a binary model, which has another shape
        return Wording(
            names, {}, np.zeros(0, np.float32), np.zeros((0, len(names)), np.float32), np.zeros(len(names), np.float32)
        )
    model = LogisticRegression(C=REGULARISATION, class_weight="balanced", max_iter=300).fit(values, aspects)
    known = {str(run): int(place) for run, place in sorted(vectoriser.vocabulary_.items())}
    return Wording([str(name) for name in model.classes_], known, vectoriser.idf_, model.coef_.T, model.intercept_)


def general_wordings() -> list[tuple[str, str]]:
    """(text, aspect) of how people ask for an aspect whatever the sheet (``lexicon/wordings.txt``), «#» for its topic."""
    rows = (LEXICON / "wordings.txt").read_text("utf-8").splitlines()
    pairs = [row.split("\t") for row in rows if row and not row.startswith("#")]
    return [(normalise(text), aspect) for aspect, text in pairs]


def is_bare_name(text: str) -> bool:
    """Whether a normalised text is nothing but the domain's words: «临时救助», «低保？»."""
    return _domain().sub("", text).strip(_SIGNS) == "" and text.strip(_SIGNS) != ""


def runs_of(text: str) -> list[str]:
    """All runs of one to three characters of a text, the domain's words made one sign: they say nothing of the aspect."""
    masked = _domain().sub("#", text)
    return [masked[at : at + size] for size in range(1, LONGEST_RUN + 1) for at in range(len(masked) - size + 1)]


@cache
def _domain() -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, sorted(domain_words(), key=len, reverse=True))))
