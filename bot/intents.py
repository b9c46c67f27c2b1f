"""Intents by the encoder's vector alone: the understanding that is left while Rasa is down.

A logistic regression, trained with the NLU data (``mingbai train``) and stored as plain numbers. Rasa's own classifier
also sees characters and is better (docs/conversation.md has both figures).
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from knowledge_base.encoder import Encoder
from knowledge_base.text import normalise

SCALE = 12.0  # e5 vectors lie close together: unscaled, the penalty would flatten every weight
URGENT = "urgent"
FALSE_ALARMS = 1 / 300  # of messages that are not urgent, in cross-validation


class VectorIntents:
    """Classifies vectors into intents, and says how likely one is urgent."""

    def __init__(self, file: Path) -> None:
        stored = json.loads(file.read_text("utf-8"))
        self._names: list[str] = stored["intents"]
        self._weights = np.array(stored["weights"], np.float32)
        self._intercepts = np.array(stored["intercepts"], np.float32)
        self._urgent = np.array(stored["urgent_weights"], np.float32)
        self._urgent_intercept = float(stored["urgent_intercept"])
        self.urgent_from = float(stored["urgent_from"])

    def intent(self, vector: np.ndarray) -> tuple[str, float]:
        """The most likely intent and its probability."""
        scores = self._weights @ vector + self._intercepts
        odds = np.exp(scores - scores.max())
        best = int(np.argmax(odds))
        return self._names[best], float(odds[best] / odds.sum())

    def urgency(self, vector: np.ndarray) -> float:
        """The probability of danger to life, 0..1."""
        return float(1 / (1 + np.exp(-(vector @ self._urgent + self._urgent_intercept))))


def train_intents(encoder: Encoder, examples: dict[str, list[str]], file: Path) -> None:
    """Fit both classifiers. The alarm's threshold lets one in 300 of the other messages through (5 folds)."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict

    texts = [normalise(text) for said in examples.values() for text in said]
    labels = np.array([intent for intent, said in examples.items() for _ in said])
    vectors = encoder.questions(texts) * SCALE
    intents = LogisticRegression(C=1.0, class_weight="balanced", max_iter=3000).fit(vectors, labels)
    is_urgent = labels == URGENT
    alarm = LogisticRegression(C=1.0, class_weight="balanced", max_iter=3000)
    held_out = cross_val_predict(alarm, vectors, is_urgent, cv=5, method="predict_proba")[:, 1]
    alarm.fit(vectors, is_urgent)
    model = {
        "intents": intents.classes_.tolist(),
        "weights": (intents.coef_ * SCALE).tolist(),
        "intercepts": intents.intercept_.tolist(),
        "urgent_weights": (alarm.coef_[0] * SCALE).tolist(),
        "urgent_intercept": float(alarm.intercept_[0]),
        "urgent_from": float(np.quantile(held_out[~is_urgent], 1 - FALSE_ALARMS)),
    }
    file.write_text(json.dumps(model), "utf-8")
