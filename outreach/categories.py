"""The categories of households, one bit each, so that a filter is one ``&``. Only ever append: bits are stored."""

from __future__ import annotations

import re
from functools import lru_cache

CATEGORIES = (
    "脱贫户", "监测对象", "低保", "特困", "低保边缘", "突发严重困难户", "重度残疾", "孤儿和事实无人抚养儿童", "重病", "一般农户",
)  # fmt: skip
_SAID = {
    "脱贫": "脱贫户", "脱贫人口": "脱贫户", "建档立卡": "脱贫户", "监测户": "监测对象", "防返贫监测对象": "监测对象",
    "脱贫不稳定户": "监测对象", "边缘易致贫户": "监测对象", "低保户": "低保", "农村低保": "低保", "最低生活保障": "低保",
    "特困人员": "特困", "五保": "特困", "五保户": "特困", "低保边缘户": "低保边缘", "低保边缘家庭": "低保边缘",
    "突发困难户": "突发严重困难户", "残疾": "重度残疾", "重残": "重度残疾", "孤儿": "孤儿和事实无人抚养儿童",
    "事实无人抚养儿童": "孤儿和事实无人抚养儿童", "大病": "重病", "一般户": "一般农户", "普通农户": "一般农户",
}  # fmt: skip
_BITS = {name: 1 << bit for bit, name in enumerate(CATEGORIES)}
_BETWEEN = re.compile(r"[、，,;；/|\s]+")


@lru_cache(maxsize=4096)
def bits_of(said: str) -> tuple[int, tuple[str, ...]]:
    """The bits of the categories in a cell, and the words that are none."""
    words = [word for word in _BETWEEN.split(said) if word]
    known = [_BITS.get(_SAID.get(word, word)) for word in words]
    bits = 0
    for bit in known:
        bits |= bit or 0
    return bits, tuple(word for word, bit in zip(words, known, strict=True) if bit is None)


def names_of(bits: int) -> list[str]:
    return [name for name, bit in _BITS.items() if bits & bit]


def words_of_status() -> list[str]:
    """All words that name a category: none may stand in a text that others in the house may read. Longest first."""
    plain = {"一般农户", "一般户", "普通农户", "重病", "大病", "残疾", "孤儿"}  # these say nothing of whom a text goes to
    return sorted({*CATEGORIES, *_SAID} - plain, key=len, reverse=True)
