"""What is learnt from asked-as lines: sheets and aspects."""

from __future__ import annotations

import json

import numpy as np
import pytest

from knowledge_base.adapter import Adapter, Wording, general_wordings, is_bare_name, runs_of, train_adapter, train_wording
from knowledge_base.sheet import ASPECTS as ALL_ASPECTS

ASKED = {
    "benefit": ["领多少钱", "补多少钱", "一个月多少钱", "多少钱一年", "给多少钱"],
    "time": ["几时发", "几时到账", "什么时候几时有", "几时批", "几时完"],
    "where": ["去哪里办", "哪里报名", "在哪里领", "哪里交表", "到哪里问"],
}
TEXTS = [text for texts in ASKED.values() for text in texts]
ASPECTS = [aspect for aspect, texts in ASKED.items() for _ in texts]


def test_an_adapter_tells_names_apart() -> None:
    """Vectors around three middles are told apart, however unequal their numbers are."""
    chance = np.random.default_rng(1)
    middles = np.eye(8)[:3] * 3
    labels = ["a"] * 40 + ["b"] * 5 + ["c"] * 5
    vectors = np.stack([middles["abc".index(label)] for label in labels]) + chance.normal(0, 0.1, (50, 8))
    adapter = train_adapter(vectors, labels)
    assert [adapter.names[int(adapter.scores(middle).argmax())] for middle in middles] == ["a", "b", "c"]
    again = Adapter.from_json(json.loads(json.dumps(adapter.as_json())))
    assert again.scores(middles[0]) == pytest.approx(adapter.scores(middles[0]), abs=1e-3)


@pytest.mark.parametrize(("text", "aspect"), [("轮椅多少钱", "benefit"), ("低保几时下来", "time"), ("残疾证哪里换", "where")])
def test_the_wording_tells_the_aspect_of_any_sheet(text: str, aspect: str) -> None:
    """«多少钱», «几时», «哪里» mean the same about a topic that was never learnt."""
    wording = train_wording(TEXTS, ASPECTS)
    assert wording.names[int(wording.scores(text).argmax())] == aspect
    again = Wording.from_json(json.loads(json.dumps(wording.as_json())))
    assert again.scores(text) == pytest.approx(wording.scores(text), abs=1e-2)


def test_with_nothing_to_learn_all_is_alike() -> None:
    """Two aspects, or lines that share nothing, give no preference."""
    assert not train_wording(["领多少钱"] * 4 + ["去哪里"] * 4, ["a"] * 4 + ["b"] * 4).scores("多少钱").any()
    assert not train_wording(["一", "二", "三"], ["a", "b", "c"]).scores("一").any()


def test_the_domains_words_say_nothing_of_the_aspect() -> None:
    """A word of the domain is one sign, whichever it is."""
    assert runs_of("低保多少") == runs_of("残疾证多少")


def test_the_general_wordings_are_of_aspects_that_exist() -> None:
    """Each aspect has a handful of wordings, each stands once, and they teach what the lines do not say."""
    wordings = general_wordings()
    assert {aspect for _, aspect in wordings} == set(ALL_ASPECTS)
    assert len({text for text, _ in wordings}) == len(wordings)
    wording = train_wording(TEXTS, ASPECTS)
    assert wording.names[int(wording.scores("低保归哪个部门管").argmax())] == "where"  # no line says 部门 or 管


@pytest.mark.parametrize(
    ("text", "bare"), [("低保", True), ("临时救助？", True), ("低保 五保", True), ("低保呢", False), ("？", False)]
)
def test_a_bare_name_is_known(text: str, bare: bool) -> None:
    """A topic's name alone asks for what it is; a particle more may ask anything."""
    assert is_bare_name(text) is bare
