"""The adapter: tells the sheets apart by the encoder's frozen vector. Trained in a second on the asked-as lines.

One encoder pass serves both: the frozen vector decides whether a question is in scope, the adapter helps to rank.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

SCALE = 10.0  # e5 vectors lie close together: unscaled, the penalty would flatten every weight


@dataclass(frozen=True)
class Adapter:
    """A linear map from a question's vector to a score a sheet. ``weights``: shape (sheets, dimension)."""

    names: list[str]
    weights: np.ndarray
    intercepts: np.ndarray

    def scores(self, vector: np.ndarray) -> np.ndarray:
        return np.asarray(self.weights @ vector + self.intercepts)

    def as_json(self) -> dict[str, Any]:
        return {"names": self.names, "weights": self.weights.round(4).tolist(), "intercepts": self.intercepts.tolist()}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Adapter:
        return cls(stored["names"], np.array(stored["weights"], np.float32), np.array(stored["intercepts"], np.float32))


def train_adapter(vectors: np.ndarray, sheets: list[str]) -> Adapter:
    """Fit on asked-as lines: their vectors, shape (lines, dimension), and the sheet that each belongs to."""
    from sklearn.linear_model import LogisticRegression

    names = sorted(set(sheets))
    if len(names) < 3:  # nothing to tell apart, or a binary model, which has another shape
        return Adapter(names, np.zeros((len(names), vectors.shape[1]), np.float32), np.zeros(len(names), np.float32))
    model = LogisticRegression(max_iter=500).fit(vectors * SCALE, sheets)
    return Adapter([str(name) for name in model.classes_], model.coef_ * SCALE, model.intercept_)
