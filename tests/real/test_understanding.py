"""The NLU data by itself: what is heard of examples that were not learnt. A third at a time is left out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from bot.intents import URGENT, as_features
from bot.kinds import KIND_OF
from bot.urgent import LEXICON, UrgentCheck
from core.settings import Settings
from knowledge_base.encoder import Encoder
from service.artefacts import Artefacts, all_examples
from tests.fakes import FakeEncoder, FakeIntents

FOLDS, ROUNDS = 3, 100  # rounds of the solver: more of them change nothing that is asked here
KINDS_F1, URGENT_RECALL = 0.78, 0.97


@pytest.fixture(scope="module")
def heard(settings: Settings) -> tuple[np.ndarray, np.ndarray]:
    """(the intents of all examples, what was heard of each by a classifier that had not learnt it)."""
    artefacts = Artefacts(settings)
    artefacts.prepare_encoder(print)
    _, features, labels = as_features(Encoder(artefacts.encoder), all_examples())
    model = LogisticRegression(class_weight="balanced", max_iter=ROUNDS)
    folds: Any = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    return labels, cross_val_predict(model, features, labels, cv=folds)


@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")
def test_kinds_are_heard_of_what_was_not_learnt(heard: tuple[np.ndarray, np.ndarray]) -> None:
    """The examples teach kinds, not themselves: macro F1 over the kinds."""
    wanted, got = (np.array([KIND_OF[intent] for intent in intents]) for intents in heard)
    assert f1_score(wanted, got, average="macro") >= KINDS_F1


@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")
def test_danger_is_heard_of_what_was_not_learnt(heard: tuple[np.ndarray, np.ndarray]) -> None:
    """Lexicon or classifier: one of them hears nearly every urgent example that it has not learnt."""
    check = UrgentCheck(LEXICON, FakeIntents(), FakeEncoder())
    texts = [text for said in all_examples().values() for text in said]
    caught = [
        got == URGENT or check.by_words(text) is not None
        for text, wanted, got in zip(texts, *heard, strict=True)
        if wanted == URGENT
    ]
    assert np.mean(caught) >= URGENT_RECALL
