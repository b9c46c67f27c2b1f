"""How sure we are that a sheet answers a question at all: a logistic regression over the search's own scores.

It is fitted at build: each asked-as line, with itself and most of its section's other lines left out (real questions
are put in words that no editor foresaw), is a question that a sheet answers; the examples of
the intent ``out_of_scope`` are questions that none does. The strongest single signal is the cosine to the nearest
asked-as line of the frozen encoder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import numpy as np

if TYPE_CHECKING:
    from knowledge_base.search import Scores, Searcher

LEFT_OUT = 0.6
FEATURES = ("asked", "passage", "words")


class Model(TypedDict):
    """Mean and spread of each feature, their weights, and the intercept."""

    mean: list[float]
    spread: list[float]
    weights: list[float]
    intercept: float


def features(scores: Scores, among: np.ndarray) -> np.ndarray:
    """What the confidence looks at, in the order of FEATURES, over the sections that may answer."""
    return np.array([scores.asked[among].max(), scores.passage[among].max(), np.log1p(scores.words[among].max())])


def probability(model: Model, values: np.ndarray) -> float:
    """The probability that a sheet answers, 0..1."""
    standard = (values - np.array(model["mean"])) / np.array(model["spread"])
    return float(1 / (1 + np.exp(-(standard @ np.array(model["weights"]) + model["intercept"]))))


def fit(searcher: Searcher, out_of_scope: list[str]) -> Model:
    """Fit the model on the index itself and some questions that no sheet answers. Both sides weigh the same."""
    from sklearn.linear_model import LogisticRegression

    everywhere = np.ones(len(searcher.sections), bool)
    rows, answered = [], []
    chance = np.random.default_rng(0)
    for place, text in enumerate(searcher.asked_texts):
        beside = np.flatnonzero(searcher.asked_section == searcher.asked_section[place])
        hidden = chance.choice(beside, int(len(beside) * LEFT_OUT), replace=False)
        scores = searcher.scores(text, searcher.asked[place], without=[place, *hidden])
        rows.append(features(scores, everywhere))
        answered.append(1)
    for text in out_of_scope:
        scores = searcher.scores(text, searcher.encoder.question(text))
        rows.append(features(scores, everywhere))
        answered.append(0)
    values = np.array(rows)
    mean, spread = values.mean(0), np.maximum(values.std(0), 1e-9)
    if len(set(answered)) < 2:
        return Model(mean=mean.tolist(), spread=spread.tolist(), weights=[0.0] * len(FEATURES), intercept=5.0)
    regression = LogisticRegression(class_weight="balanced", max_iter=1000).fit((values - mean) / spread, answered)
    return Model(
        mean=mean.tolist(),
        spread=spread.tolist(),
        weights=regression.coef_[0].tolist(),
        intercept=float(regression.intercept_[0]),
    )
