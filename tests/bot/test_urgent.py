"""Danger to life: the lexicon over the whole text, the classifier over head and tail."""

from __future__ import annotations

import re
from itertools import product

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.texts import Texts
from bot.urgent import HARMLESS, LEXICON, UNKNOWN, WINDOW, UrgentCheck
from tests.fakes import FakeEncoder, FakeIntents, vector_of

CHECK = UrgentCheck(LEXICON, FakeIntents(), FakeEncoder())
CLEAR = {
    "suicide": [
        "我不想活了",
        "活着没意思",
        "我想死",
        "我要跳楼",
        "我想自杀",
        "我喝了农药",
        "唔想活啦",
        "遗书写好了",
        "药都摆好了",
        "活着不想再熬了",
        "我走了以后别难过",
        "她吃了好多药",
    ],
    "violence": [
        "老公又打我",
        "他要杀我",
        "他拿刀追我",
        "我被人砍了",
        "他把我锁在屋里",
        "有人强奸我",
        "我被老公关在屋里",
        "他打得我爬不起来",
    ],
    "hunger": ["家里断粮了", "三天没吃饭了", "今晚没有米下锅", "孩子饿得直哭", "一点吃的都没了", "米一粒都没有"],
    "child_alone": ["三岁的娃一个人在家", "捡到一个婴儿", "小孩走丢了", "妈妈三天没回", "路边有个小孩没大人"],
    "trapped": ["屋里着火了", "我们被大水围住了", "水到腰了", "小孩掉进水塘了", "房子塌了压到人", "孩子被冲走了"],
    "medical": [
        "阿公突然昏倒了",
        "我爸叫不醒",
        "血止不住",
        "快打120",
        "被毒蛇咬了",
        "心口痛冒冷汗喘不上气",
        "煤气中毒了",
        "老婆大出血，快来",
    ],
    "general": ["救命", "救命啊", "快来人", "sos", "SOS!", "救救我"],
}
FEELINGS = list("累热冷饿笑气烦穷急吓痛忙愁惨苦困闷冻吵懒")
HYPERBOLE = [
    "想死你了", "死机了怎么办", "怕死麻烦", "死猪有没有补贴", "死工资一个月两千", "鸡全死了能报没", "牛死了赔多少", "树死了好多",
    "该死的天气", "死要面子活受罪", "他爸死了三年", "我老公前年死了，低保怎么办", "人死了怎么销户", "死亡证明去哪开", "死记硬背",
    "打死也不去", "不得好死", "死党借钱", "救命钱什么时候发", "吐血推荐", "跳楼价买的", "去年上吊死了的那户", "手机号被锁了",
    "债压死人", "他触电残了",
]  # fmt: skip
EVERYDAY = [
    "低保怎么申请", "住院花了五万", "孩子上大学没钱", "房子漏雨怎么办", "老公残疾，我一个人做工", "去年发大水稻田被淹",
    "我要投诉村干部", "电话打不通", "村委会没人接电话", "我被骗了三千块", "我打你电话", "他打工去了",
    "孩子一个人在广东打工", "我爸八十岁了一个人住",
    "火灾补助多少", "溺水险怎么报", "医药费报多少", "网页打不开", "十四岁的娃自己在家", "牛棚起火烧了", "屋里着火怎么申请救助",
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in CLEAR.items() for text in texts])
def test_clear_wordings_fire(kind: str, text: str) -> None:
    """What says danger outright is seen by its words, as the kind that it is."""
    assert CHECK.by_words(text) == kind


@pytest.mark.parametrize(
    "text", [feeling + form for feeling, form in product(FEELINGS, ["死了", "死我了", "死人", "死咗"])] + HYPERBOLE
)
def test_hyperbole_never_fires(text: str) -> None:
    """«死» in hyperbole, fixed phrases, of animals and long ago raises no alarm."""
    assert CHECK.by_words(text) is None
    assert CHECK.by_words(f"今天真的{text}，低保怎么办") is None


@pytest.mark.parametrize("text", EVERYDAY)
def test_everyday_trouble_does_not_fire(text: str) -> None:
    """Hardship, phones and insurance are no danger to life by their words."""
    assert CHECK.by_words(text) is None


@pytest.mark.parametrize("harmless", ["累死了，", "热死我了，", "吐血推荐，", "鸡全死了，"])
@pytest.mark.parametrize("text", ["我不想活了", "屋里着火了", "救命啊"])
def test_hyperbole_does_not_hide_danger(harmless: str, text: str) -> None:
    """A phrase of hyperbole before or behind words of danger hides nothing."""
    assert CHECK.by_words(harmless + text) is not None
    assert CHECK.by_words(f"{text}。{harmless}") is not None


@pytest.mark.parametrize(
    "text", ["我 不 想 活 了", "我不\n想活了", "我不想　活了", "救 命", "ＳＯＳ", "屋裡著火了", "救命！！！"]
)
def test_blanks_widths_and_traditional_characters_hide_nothing(text: str) -> None:
    """The same words with blanks, wide letters or in traditional characters fire too."""
    assert CHECK.by_words(text) is not None


@pytest.mark.parametrize("before", [0, 300, 1500, 9000])
def test_the_whole_text_is_read(before: int) -> None:
    """Words of danger are seen at the head, in the middle and at the end of a text of any length."""
    told = "我家情况讲起来很长。" * (before // 10)
    assert CHECK.check(told + "我不想活了" + told) == "suicide"
    assert CHECK.check(told + "我不想活了") == "suicide"


@given(st.text(max_size=40), st.text(max_size=40))
def test_nothing_around_it_breaks_the_check(before: str, after: str) -> None:
    """Any text around is read without an error, and a separate sentence of danger is seen in it."""
    CHECK.by_words(before + after)
    assert CHECK.by_words(f"{re.sub('[^a-z。]', '', before)}。救命啊！快来人。{re.sub('[^a-z。]', '', after)}") is not None


def test_a_long_text_is_checked_in_no_time() -> None:
    """Twenty thousand characters that come close to many patterns take no noticeable time."""
    import time

    began = time.perf_counter()
    CHECK.by_words("老人一个人在家电话没人听孩子打" * 1300)
    assert time.perf_counter() - began < 2


def test_the_classifier_sees_what_no_list_has() -> None:
    """A text that only the classifier finds urgent is danger of an unknown kind, from its threshold on."""
    for urgency, danger in [(0.49, None), (0.5, UNKNOWN), (1.0, UNKNOWN)]:
        assert UrgentCheck(LEXICON, FakeIntents(urgency=urgency), FakeEncoder()).check("东西都收拾好了") == danger


def test_words_name_the_kind_before_the_classifier() -> None:
    """Where the words are clear the classifier is not asked."""
    intents = FakeIntents(urgency=1.0)
    assert UrgentCheck(LEXICON, intents, FakeEncoder()).check("我不想活了") == "suicide"
    assert intents.asked == []


@pytest.mark.parametrize("place", ["head", "tail"])
def test_the_classifier_looks_at_both_ends(place: str) -> None:
    """In a long text the classifier reads the head and the tail."""
    told, last = "情况讲起来很长" * 100, "就到这里吧"
    text = last + told if place == "head" else told + last
    check = UrgentCheck(LEXICON, FakeIntents(urgent_text=last), FakeEncoder())
    assert check.check(text) == UNKNOWN
    assert check.check(told) is None


def test_a_vector_at_hand_is_used_for_a_short_text() -> None:
    """The caller's vector spares the encoder, except where a long text is read in parts."""
    encoder = FakeEncoder()
    check = UrgentCheck(LEXICON, FakeIntents(), encoder)
    check.check("低保怎么申请", vector_of("低保怎么申请"))
    assert encoder.seen == []
    check.check("低" * (WINDOW * 2 + 1), vector_of("低"))
    assert [len(text) for text in encoder.seen] == [WINDOW, WINDOW]


def test_every_kind_has_words_to_say() -> None:
    """For each kind of the lexicon, and the unknown one, there is a text with a number to call."""
    kinds = yaml.safe_load(LEXICON.read_text("utf-8"))
    assert HARMLESS in kinds
    for kind in {*kinds, UNKNOWN} - {HARMLESS}:
        assert re.search(r"1[12]\d|12345", Texts().say(f"urgent_{kind}", contact="x")), kind


def test_every_pattern_is_a_pattern() -> None:
    """Each line of the lexicon compiles, matches not everything, and stands once."""
    lines = [line for patterns in yaml.safe_load(LEXICON.read_text("utf-8")).values() for line in patterns]
    assert len(set(lines)) == len(lines)
    assert not [line for line in lines if re.compile(line).search("")]


@pytest.mark.parametrize("text", ["医疗救助", "救助金？", "累死了", "受灾救助"])
def test_a_harmless_phrase_alone_is_not_put_to_the_classifier(text: str) -> None:
    """The bare name of a policy or plain hyperbole is no danger, however sure the classifier is."""
    sure = UrgentCheck(LEXICON, FakeIntents(urgency=1.0), FakeEncoder())

    assert sure.check(text) is None
    assert sure.check(f"{text}，东西都收拾好了") == UNKNOWN


def test_everyday_talk_silences_the_classifier_but_not_the_lexicon() -> None:
    """What all intents together surely take for talk raises no alarm; words of danger still do, and doubt does."""
    talk = UrgentCheck(LEXICON, FakeIntents("small_talk", 0.95, urgency=0.9), FakeEncoder())
    assert talk.check("饿扁了几点开饭") is None
    assert talk.check("哈哈我想自杀") == "suicide"
    doubtful = UrgentCheck(LEXICON, FakeIntents("small_talk", 0.9, urgency=0.9), FakeEncoder())
    assert doubtful.check("饿扁了几点开饭") == UNKNOWN


def test_who_lies_bedridden_is_no_emergency() -> None:
    """«瘫在床上起不来» has been so for long; on the floor it has not."""
    assert CHECK.by_words("老爸瘫在床上起不来，能办残疾证吗") is None
    assert CHECK.by_words("老爸摔在地上起不来") == "medical"
