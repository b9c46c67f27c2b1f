"""How sure search is: the features, the model's arithmetic, and its calibration on an index."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_base import confidence
from knowledge_base.confidence import FEATURES, Model
from knowledge_base.search import Hidden, Searcher
from knowledge_base.text import index_terms
from tests.fakes import OUT_OF_SCOPE

PLAIN = Model(mean=[0.0, 0.0, 0.0], spread=[1.0, 1.0, 1.0], weights=[2.0, 1.0, 1.0], intercept=-1.0)


def test_a_line_out_of_sight_is_not_found(searcher: Searcher) -> None:
    """A section's own line matches perfectly; out of sight, neither it nor its words count."""
    (line, section, text, said) = searcher.rows(
        "select a.id, a.section, a.text, s.said from asked a join sections s on s.id = a.section where a.text = '怎样办低保'"
    )[0]
    ranked = searcher.rank(text, searcher.encoder.question(text))
    left = Counter(said.split())
    left.subtract(index_terms(text))
    seen, hidden = searcher.signals(ranked), searcher.signals(ranked, Hidden(frozenset([line]), section - 1, left))
    assert seen[0] == pytest.approx(1, abs=1e-3)
    assert seen[2] == 1
    assert hidden[0] < seen[0]
    assert hidden[1] == seen[1]
    assert hidden[2] < 1


def test_the_probability_is_a_logistic() -> None:
    """The model's arithmetic is that of a standardised logistic regression."""
    assert confidence.probability(PLAIN, np.array([0.5, 0.0, 0.0])) == pytest.approx(0.5)
    moved = Model(mean=[1.0, 0.0, 0.0], spread=[0.5, 1.0, 1.0], weights=[1.0, 0.0, 0.0], intercept=0.0)
    assert confidence.probability(moved, np.array([1.5, 7.0, 7.0])) == pytest.approx(1 / (1 + np.exp(-1)))


@given(st.lists(st.floats(-20, 20), min_size=3, max_size=3), st.integers(0, 2), st.floats(0.1, 5))
def test_more_likeness_never_lowers_it(values: list[float], place: int, more: float) -> None:
    """With positive weights a higher feature never gives a lower probability, and it stays within 0..1."""
    low = confidence.probability(PLAIN, np.array(values))
    values[place] += more
    assert 0 <= low <= confidence.probability(PLAIN, np.array(values)) <= 1


def test_fitting_tells_questions_from_others(searcher: Searcher) -> None:
    """The fitted model is surer of every section's foreseen questions, on average, than of those out of scope."""
    model = confidence.fit(searcher, OUT_OF_SCOPE)
    asked = [text for (text,) in searcher.rows("select text from asked")]

    def sure(texts: list[str]) -> list[float]:
        ranked = [searcher.rank(text, searcher.encoder.question(text)) for text in texts]
        return [confidence.probability(model, searcher.signals(one)) for one in ranked]

    assert len(model["weights"]) == len(model["mean"]) == len(model["spread"]) == len(FEATURES)
    assert min(sure(asked)) > max(sure(OUT_OF_SCOPE))


def test_fitting_is_repeatable(searcher: Searcher) -> None:
    """Fitting twice gives the same model, though lines are left out by chance."""
    assert confidence.fit(searcher, OUT_OF_SCOPE) == confidence.fit(searcher, OUT_OF_SCOPE)


def test_without_counterexamples_it_is_always_sure(searcher: Searcher) -> None:
    """With nothing out of scope to learn from, every question counts as answered."""
    model = confidence.fit(searcher, [])
    assert confidence.probability(model, np.array([-5.0, -5.0, 0.0])) > 0.9
