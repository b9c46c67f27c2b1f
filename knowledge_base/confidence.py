"""How sure we are that a sheet answers a question at all: a logistic regression over a few raw signals of the search.

It is fitted at build: an asked-as line, with itself and most of its section's other lines out of sight (real questions
are put in words that no editor foresaw), is a question that a sheet answers; the examples of
the intent ``out_of_scope`` are questions that none does. The strongest single signal is the cosine to the nearest
asked-as line of the frozen encoder. All signals keep their scale however many sections there are.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from knowledge_base.text import index_terms

if TYPE_CHECKING:
    from knowledge_base.search import Searcher

LEFT_OUT = 0.6
LINES = 400  # asked-as lines to fit on, spread evenly over the sheets
# cosine to the nearest asked-as line and to the nearest passage, share of the question's words that a section has
FEATURES = ("asked", "passage", "overlap")


class Model(TypedDict):
    """Mean and spread of each feature, their weights, and the intercept."""

    mean: list[float]
    spread: list[float]
    weights: list[float]
    intercept: float


def probability(model: Model, values: np.ndarray) -> float:
    """The probability that a sheet answers, 0..1."""
    standard = (values - np.array(model["mean"])) / np.array(model["spread"])
    return float(1 / (1 + np.exp(-(standard @ np.array(model["weights"]) + model["intercept"]))))


def fit(searcher: Searcher, out_of_scope: list[str]) -> Model:
    """Fit the model on the index itself and some questions that no sheet answers. Both sides weigh the same."""
    from sklearn.linear_model import LogisticRegression

    answered = _answered(searcher)
    others = [searcher.signals(searcher.rank(text, searcher.encoder.question(text))) for text in out_of_scope]
    values = np.array([*answered, *others])
    mean, spread = values.mean(0), np.maximum(values.std(0), 1e-9)
    if not others:
        return Model(mean=mean.tolist(), spread=spread.tolist(), weights=[0.0] * len(FEATURES), intercept=5.0)
    known = [1] * len(answered) + [0] * len(others)
    regression = LogisticRegression(class_weight="balanced", max_iter=1000).fit((values - mean) / spread, known)
    return Model(
        mean=mean.tolist(),
        spread=spread.tolist(),
        weights=regression.coef_[0].tolist(),
        intercept=float(regression.intercept_[0]),
    )


def _answered(searcher: Searcher) -> list[np.ndarray]:
    """The signals of asked-as lines that are themselves out of sight, with most of their section's lines."""
    from knowledge_base.search import Hidden

    (total,) = searcher.rows("select count(*) from asked")[0]
    chance = np.random.default_rng(0)
    found = []
    for line, section, text, blob in searcher.rows(
        "select id, section, text, vector from asked where (id - 1) % ? = 0", max(1, total // LINES)
    ):
        beside = searcher.rows("select id, text from asked where section = ?", section)
        chosen = chance.permutation(len(beside))[: int(len(beside) * LEFT_OUT)]
        hidden = {line: text, **{beside[at][0]: beside[at][1] for at in chosen}}
        left = Counter(searcher.rows("select said from sections where id = ?", section)[0][0].split())
        for gone in hidden.values():
            left.subtract(index_terms(gone))
        vector = np.frombuffer(blob, np.float16).astype(np.float32)
        ranked = searcher.rank(text, vector)
        found.append(searcher.signals(ranked, Hidden(frozenset(hidden), section - 1, left)))
    return found
