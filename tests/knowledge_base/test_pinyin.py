"""Words by their sound: what is put right, what stays, and what is read out of pinyin."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.settings import PROJECT_ROOT
from knowledge_base.pinyin import Romanised, Sounds, as_heard
from knowledge_base.sheet import load_sheets
from knowledge_base.text import LEXICON, clean, domain_words, normalise, simplify
from scripts.pinyin_table import TABLE, table
from service.artefacts import all_examples

SOUNDS = Sounds.load(LEXICON / "pinyin.txt")
EVERYDAY = ("greet", "thank", "goodbye", "ask_bot", "small_talk", "cancel", "affirm", "deny", "out_of_scope")
ENGLISH = [
    "can you tell me about china",
    "the harvest was good this year",
    "please call me back",
    "wifi password",
    "hello world",
    "game over",
    "python",
]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("我想报建测护", "我想报监测户"),
        ("特捆供养", "特困供养"),
        ("特困共养", "特困供养"),
        ("残极证", "残疾证"),
        ("雨璐计画", "雨露计划"),
        ("护里补贴", "护理补贴"),
        ("小鹅贷款", "小额贷款"),
        ("公义刚", "公益岗"),
        ("临市救助", "临时救助"),
        ("养劳金", "养老金"),
        ("危黄改造", "危房改造"),  # f said as h
        ("零时救助", "临时救助"),  # -ing said as -in
        ("一码腾", "一码腾"),  # -ong is no -eng
    ],
)
def test_homophones_become_the_domains_words(said: str, meant: str) -> None:
    """What sounds like a word of the domain, as Guangxi says it, and means nothing else becomes that word."""
    assert normalise(said) == meant


@pytest.mark.parametrize(
    "text", ["公司给的公式", "今天吃一包盐", "检测费", "老婆要补铁", "户口不在这里", "扫吗", "医报", "神情很累"]
)
def test_words_of_everyday_language_stay(text: str) -> None:
    """A word of its own right stays, whatever it sounds like; so does what differs by a particle."""
    assert normalise(text) in (text, text.replace("医报", "医保"))


def test_ordinary_sentences_stay_untouched() -> None:
    """No small talk and no question out of scope is changed by sound: they hold no domain's word that they did not have."""
    changed = []
    for intent in EVERYDAY:
        for text in all_examples()[intent]:
            plain, words = simplify(text).lower(), domain_words()
            changed += [(text, word) for word in words if word in normalise(text) and word not in plain]
    assert changed == []


def test_sheets_are_written_right() -> None:
    """The sheets' own text, which editors checked, has no homophone to repair."""
    from knowledge_base import text as module

    repair = module._homophones().repair
    said = [part for sheet in load_sheets(PROJECT_ROOT / "knowledge_base" / "sheets") for section in sheet.sections
            for part in (section.title, section.short, section.body)]  # fmt: skip
    assert [(part[:30], repair(part)[:30]) for part in said if repair(part) != part] == []


@pytest.mark.parametrize("word", domain_words())
def test_the_domains_words_stay(word: str) -> None:
    """No word of the domain is turned into another by its sound."""
    from knowledge_base import text as module

    assert module._homophones().repair(word) == word


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("dibao zenme shenqing", "低保怎么申请"),
        ("di bao", "低保"),
        ("DIBAO", "低保"),
        ("weifanggaizao", "危房改造"),
        ("jian ce hu yao shen me tiao jian", "监测户要什么条件"),
        ("yulu jihua去哪里baoming", "雨露计划去哪里报名"),
        ("低bao怎么办", "低保怎么办"),
        ("di保", "低保"),
        ("残疾zheng zenme ban", "残疾证怎么办"),
        ("yinhangka zenme ban", "银行卡怎么办"),
        ("women jia hen qiong", "我们家很穷"),
        ("wo bu xiang huo le", "我不想活了"),
        ("qu xi'an", "qu xi'an"),  # too short to be sure
    ],
)
def test_pinyin_is_read(typed: str, read: str) -> None:
    """Toneless pinyin, together or apart, alone or among characters, becomes the words it most likely means."""
    assert normalise(typed).replace(" ", "") == read.replace(" ", "")


@pytest.mark.parametrize("text", ENGLISH)
def test_english_stays(text: str) -> None:
    """What is no pinyin from end to end, or hardly so, stays as typed."""
    assert normalise(text) == text


def test_a_blank_falls_between_syllables() -> None:
    """«xi an» may be 西安, never 先: a blank is respected."""
    reader = Romanised([], {"西安门": 900, "先门": 90_000, "西": 100, "安": 100, "门": 100, "先": 100}, SOUNDS)
    assert reader.read("xian men") == "先门"
    assert reader.read("xi an men") == "西安门"


@given(st.sampled_from(sorted(SOUNDS.characters.values())))
def test_hearing_twice_changes_nothing(sound: str) -> None:
    """A syllable as heard is heard as itself."""
    assert as_heard(as_heard(sound)) == as_heard(sound)


@pytest.mark.parametrize(
    ("one", "other"),
    [("ni", "li"), ("zhi", "zi"), ("chu", "cu"), ("shi", "si"), ("bing", "bin"), ("sheng", "sen"), ("fei", "hui")],
)
def test_what_guangxi_does_not_tell_apart(one: str, other: str) -> None:
    """Sounds that many in Guangxi say alike are alike."""
    assert as_heard(one) == as_heard(other)


@given(st.text(alphabet="底低保检监测户一码马通的了吗怎么办dibao ' 特困", max_size=40))
def test_repair_keeps_the_length_and_settles(text: str) -> None:
    """Normalising what is normalised changes nothing more."""
    once = normalise(clean(text, 100))
    assert normalise(once) == once


def test_the_table_is_what_its_script_makes() -> None:
    """The committed sounds are pypinyin's."""
    assert TABLE.read_text("utf-8") == table()


def test_normalising_is_quick() -> None:
    """A message costs less than a millisecond (ten times that is allowed on a busy machine)."""
    normalise("dibao")
    began = time.perf_counter()
    for _ in range(50):
        normalise("我老公得了重病花了好多钱，检测户能不能报上去，低保怎么申请")
    assert (time.perf_counter() - began) / 50 < 0.01
