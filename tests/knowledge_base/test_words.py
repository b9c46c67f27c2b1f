"""BM25 by an inverted index: the same figures as the formula over whole texts."""

from __future__ import annotations

import math
import sqlite3
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_base.text import index_terms
from knowledge_base.words import K1, B, Words, postings

TEXTS = ["低保怎么申请", "低保领多少钱", "住院报销多少", "举报找谁", "不要转账"]


def opened(said: list[Counter[str]]) -> Words:
    """The inverted index of some sections in a database in memory."""
    database = sqlite3.connect(":memory:")
    database.execute("create table postings (term text primary key, idf real, places blob, weights blob)")
    database.executemany("insert into postings values (?, ?, ?, ?)", postings(said))
    return Words(lambda sql, *values: database.execute(sql, values).fetchall(), len(said))


def by_formula(said: list[Counter[str]], terms: list[str]) -> list[float]:
    """Okapi BM25, written out."""
    average = sum(map(Counter.total, said)) / len(said)
    scores = []
    for words in said:
        score = 0.0
        for term in terms:
            having = sum(term in other for other in said)
            idf = max(math.log((len(said) - having + 0.5) / (having + 0.5)), 0) if having else 0
            score += idf * words[term] * (K1 + 1) / (words[term] + K1 * (1 - B + B * words.total() / average))
        scores.append(score)
    return scores


@given(st.lists(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=4), min_size=2, max_size=6), st.sampled_from(TEXTS))
def test_scores_are_the_formulas(sections: list[list[str]], question: str) -> None:
    """For any sections and question the index gives what BM25 says."""
    said = [Counter(index_terms(" ".join(texts))) for texts in sections]
    expected = by_formula(said, list(dict.fromkeys(index_terms(question))))
    assert opened(said).ask(question).scores == pytest.approx(np.array(expected), abs=1e-4)


def test_overlap_is_the_share_of_the_questions_words() -> None:
    """A section that has all words overlaps wholly, one with none not at all; unknown words count against it."""
    words = opened([Counter(index_terms(text)) for text in TEXTS])
    whole, more = words.ask("举报找谁"), words.ask("举报找谁 火星")
    assert [whole.overlap(place) for place in (3, 4)] == [1, 0]
    assert 0 < more.overlap(3) < 1
    assert whole.overlap_with(Counter(index_terms("举报"))) == pytest.approx(whole.overlap_with(Counter(["举报"])))
    assert words.ask("").overlap(0) == words.ask("").overlap_with(Counter(["举报"])) == 0
