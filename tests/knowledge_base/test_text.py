"""Cleaning, normalising and cutting Chinese text."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from knowledge_base.text import LEXICON, clean, has_words, index_terms, normalise, simplify, words

ANY = st.text(st.characters())  # lone surrogates too


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("  低保 \n怎么\t办  ", "低保 怎么 办"),
        ("低\x00保", "低 保"),
        ("低\u200b保\ufeff", "低保"),
        ("\ud800低保\udfff", "低保"),
        ("\u202e低保\u202c", "低保"),
        ("１３８ＡＢ，。", "138AB，。"),
        ("😀低保👨‍👩‍👧", "😀低保👨👩👧"),
        ("\x07\x1b[31m低保", "[31m低保"),
        ("", ""),
        ("\x00\ud800\u200b", ""),
    ],
)
def test_what_no_one_can_mean_is_dropped(text: str, cleaned: str) -> None:
    """Controls, halves of characters and invisible marks go, wide letters become plain, words and their marks stay."""
    assert clean(text, 1000) == cleaned


@given(ANY, st.integers(1, 50))
@example("\ufdfa" * 40, 50)
@example("\U000e0001" * 300 + "字", 10)
def test_a_cleaned_text_is_safe(text: str, limit: int) -> None:
    """Whatever comes in, what goes out is short enough, can be encoded, and has no control or private character."""
    cleaned = clean(text, limit)
    assert len(cleaned) <= limit
    cleaned.encode("utf-8")
    assert all(unicodedata.category(char)[0] != "C" for char in cleaned)
    assert "  " not in cleaned


def test_ten_thousand_characters_are_cut_quickly() -> None:
    """A huge text is cut to the limit without being worked through."""
    began = time.perf_counter()
    cleaned = clean("我家很困难，" * 200_000, 1000)
    assert len(cleaned) == 1000
    assert time.perf_counter() - began < 0.5


def test_the_whole_of_a_text_below_the_limit_is_kept() -> None:
    """Ten thousand characters are kept where the limit allows them."""
    assert clean("难" * 10_000, 20_000) == "难" * 10_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [("低保", True), ("12345", True), ("a", True), ("。！？", False), ("😀👍", False), ("", False), (" \n", False), ("𠮷", True)],
)
def test_has_words(text: str, expected: bool) -> None:
    """A letter, digit or Chinese character can be understood; marks and emoji cannot."""
    assert has_words(text) is expected


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("監測戶的標準", "监测户的标准"),
        ("一吗通怎么用", "一码通怎么用"),
        ("一保卡", "医保卡"),
        ("我不克", "我不去"),
        ("乜嘢系低保", "什么"),
        ("ABC１２", "abc12"),
    ],
)
def test_dialect_and_mistypings_are_normalised(said: str, meant: str) -> None:
    """Traditional characters, dialect words, common mistypings and widths become the standard form."""
    assert meant in normalise(said)


def test_every_line_of_the_lexicon_is_applied() -> None:
    """Each replacement of the lexicon is made when its word stands alone."""
    lines = [
        line.split("\t")
        for file in sorted(LEXICON.glob("*.tsv"))
        for line in file.read_text("utf-8").split("\n")
        if line and not line.startswith("#")
    ]

    assert lines
    assert [(said, normalise(said)) for said, meant in lines if normalise(said) != meant] == []


def test_simplify_keeps_simplified() -> None:
    """Traditional characters are turned, simplified ones left alone."""
    assert simplify("風險消除的條件") == "风险消除的条件"
    assert simplify("风险消除的条件") == "风险消除的条件"


def test_words_are_the_domains() -> None:
    """The domain's words are not cut apart, and marks are no words."""
    said = words("监测对象，怎么申请一码通？")
    assert {"监测对象", "一码通"} <= set(said)
    assert not {"，", "？"} & set(said)


def test_index_terms_survive_a_bad_cut() -> None:
    """The pairs of Chinese characters are terms beside the words."""
    terms = index_terms("防返贫监测")
    assert {"防返", "返贫", "贫监", "监测"} <= set(terms)


def test_question_and_passage_share_terms() -> None:
    """A question in dialect and traditional characters shares terms with a standard text."""
    assert set(index_terms("監測戶")) & set(index_terms("监测户怎么申请"))


@given(ANY)
@example("\x00")
@example("𠮷野家")
@example("ﷺ" * 20)
def test_any_cleaned_text_is_worked_on(text: str) -> None:
    """Whatever is cleaned can be normalised, cut into words and indexed, and no word is empty."""
    plain = normalise(clean(text, 200))
    assert all(has_words(word) for word in words(plain))
    assert all(index_terms(plain)) or not index_terms(plain)


@given(ANY)
def test_normalising_is_lower_case(text: str) -> None:
    """A normalised text has no capital Latin letter."""
    plain = normalise(clean(text, 200))
    assert not any("A" <= char <= "Z" for char in plain)
