"""Intents without Rasa: by the encoder's vector and by characters.

Two logistic regressions, trained with the NLU data (``mingbai train``) and stored as plain numbers: one for all
intents, the understanding that is left while Rasa is down; and one that only knows danger to life, for every message.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from bot.prior import reweighed
from knowledge_base.encoder import Encoder
from knowledge_base.text import normalise, words

SCALE = 20.0  # e5 vectors lie close together: unscaled, the penalty would flatten every weight
LONGEST = 3  # characters
URGENT = "urgent"
FALSE_ALARMS = 1 / 40  # of the other examples, in cross-validation: many were written to look urgent; real ones do not


class LightIntents:
    """Classifies messages into intents, and says how likely one is urgent."""

    def __init__(self, file: Path) -> None:
        with np.load(file) as stored:
            self._names = [str(name) for name in stored["intents"]]
            self._vocabulary = {str(gram): place for place, gram in enumerate(stored["grams"])}
            self._weights, self._intercepts = stored["weights"], stored["intercepts"]
            self._urgent, self._urgent_intercept = stored["urgent_weights"], float(stored["urgent_intercept"])
            self.urgent_from = float(stored["urgent_from"])

    def intent(self, text: str, vector: np.ndarray, *, has_topic: bool = False) -> tuple[str, float]:
        """The most likely intent of a normalised text and its probability; ``has_topic``: it may follow an answer."""
        scores = self._weights @ self._features(text, vector) + self._intercepts
        odds = np.exp(scores - scores.max())
        chances = dict(zip(self._names, map(float, odds / odds.sum()), strict=True))
        return next(iter(reweighed(chances, text, has_topic).items()))

    def urgency(self, text: str, vector: np.ndarray) -> float:
        """The probability of danger to life in a normalised text, 0..1."""
        return float(1 / (1 + np.exp(-(self._urgent @ self._features(text, vector) + self._urgent_intercept))))

    def _features(self, text: str, vector: np.ndarray) -> np.ndarray:
        counts = np.zeros(len(self._vocabulary), np.float32)
        for gram, count in Counter(grams(text)).items():
            place = self._vocabulary.get(gram)
            if place is not None:
                counts[place] = count
        return np.concatenate([counts, vector * SCALE])


def grams(text: str) -> list[str]:
    """The one to three characters long pieces of each word, its edges marked by blanks."""
    padded = [f" {word} " for word in words(text)]
    return [word[at : at + size] for word in padded for size in range(1, LONGEST + 1) for at in range(len(word) - size + 1)]


def as_features(encoder: Encoder, examples: dict[str, list[str]]) -> tuple[Any, Any, np.ndarray]:
    """What the classifiers learn from: the fitted counter of grams, the features (examples, width), and the intents."""
    from scipy.sparse import csr_matrix, hstack
    from sklearn.feature_extraction.text import CountVectorizer

    texts = [normalise(text) for said in examples.values() for text in said]
    labels = np.array([intent for intent, said in examples.items() for _ in said])
    counter = CountVectorizer(analyzer=grams)
    counted = counter.fit_transform(texts)
    return counter, hstack([counted, csr_matrix(encoder.questions(texts) * SCALE)]).tocsr(), labels


def train_intents(encoder: Encoder, examples: dict[str, list[str]], file: Path) -> None:
    """Fit both classifiers. The alarm's threshold lets FALSE_ALARMS of the others through (5 folds)."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    counter, features, labels = as_features(encoder, examples)
    settings: dict[str, Any] = {"class_weight": "balanced", "max_iter": 400}
    intents = LogisticRegression(**settings).fit(features, labels)
    is_urgent = labels == URGENT
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    fresh = LogisticRegression(**settings)
    held_out = cross_val_predict(fresh, features, is_urgent, cv=folds, method="predict_proba")[:, 1]
    threshold = np.quantile(held_out[~is_urgent], 1 - FALSE_ALARMS)
    alarm = LogisticRegression(**settings).fit(features, is_urgent)
    np.savez(
        file, intents=intents.classes_.astype(str), grams=counter.get_feature_names_out().astype(str),
        weights=intents.coef_.astype(np.float32), intercepts=intents.intercept_, urgent_weights=alarm.coef_[0].astype(np.float32),
        urgent_intercept=alarm.intercept_[0], urgent_from=threshold,
        urgent_held_out_recall=(held_out[is_urgent] >= threshold).mean(),
    )  # fmt: skip
