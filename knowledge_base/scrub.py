"""Takes out of a villager's question what could point to a person: numbers, names, places. A person confirms the rest."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from core.regions import Regions

# the commonest family names of China and of Guangxi; a rarer one is left to the person who confirms
_FAMILY = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史"
    "陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤农甘植封蒙岑冼凌闭银玉零兰卓庞骆欧区邝麦"
)  # fmt: skip
_TITLES = "书记|主任|支书|村长|组长|队长|镇长|乡长|县长|局长|所长|医生|老师|校长|老板|伯|叔|婶|嫂|婆|姨|姑|哥|姐|爷|奶|公"
_INTRODUCED = re.compile(
    r"(?P<before>我叫|名叫|叫做|姓名是?[:：]?|名字[叫是]|本人)(?P<name>[\u4e00-\u9fff]{2,3}?)(?=[,，。.;；、\s]|的|家|是|住|今|现|$)"
)
_TITLED = re.compile(
    rf"[老小阿]?[{_FAMILY}][\u4e00-\u9fff]{{0,2}}?(?=阿?(?:{_TITLES}))|[老小阿][{_FAMILY}](?=[家的他她说讲]|[^\u4e00-\u9fff]|$)"
)
_LONG_NUMBER = re.compile(r"(?<!\d)(?:\+?86[- ]?)?\d(?:[- ]?\d){6,18}[Xx]?(?!\d)")
_HOUSE = re.compile(r"\d+(?:组|号|队|屯|栋|单元|室)")
_SPOKEN = "〇零一二两三四五六七八九十百千"
_AMOUNT = re.compile(rf"(?P<number>\d+(?:\.\d+)?|[{_SPOKEN}]+)(?P<unit>万|千|百)?(?P<of>多?(?:块|元|岁|斤|亩|口人|蚊|银))")
_PLACE_KINDS = {"village": "某村", "township": "某镇", "county": "某县"}


@dataclass(frozen=True)
class Scrubbed:
    """A question without names, places and numbers of people; ``with_amounts`` still has sums, ages and the like."""

    text: str
    with_amounts: str
    removed: list[str]  # what kinds of things were taken out


def scrub(question: str, regions: Regions, county: str) -> Scrubbed:
    """Take out what could point to a person. Hotlines of five digits and years stay."""
    removed: list[str] = []

    def out(pattern: re.Pattern[str], put: str, kind: str, text: str) -> str:
        changed = pattern.sub(put, text)
        if changed != text:
            removed.append(kind)
        return changed

    text = out(_LONG_NUMBER, "", "号码", question)
    text = out(_HOUSE, "", "门牌", text)
    text = out(_INTRODUCED, r"\g<before>某某", "人名", text)
    text = out(_TITLED, "某", "人名", text)
    text = _without_people(text, removed)
    text = _without_places(text, regions, county, removed)
    plain = out(_AMOUNT, "", "数目", text) and _AMOUNT.sub(_rounded, text)
    return Scrubbed(_tidy(plain), _tidy(text), list(dict.fromkeys(removed)))


def _without_people(text: str, removed: list[str]) -> str:
    """Names as jieba's tagger sees them, where they begin with a family name."""
    for word, kind in _tagger().cut(text):
        if kind == "nr" and 2 <= len(word) <= 4 and word[0] in _FAMILY and "某" not in word:
            text = text.replace(word, "某某")
            removed.append("人名")
    return text


def _without_places(text: str, regions: Regions, county: str, removed: list[str]) -> str:
    """Villages and towns of the county, and the county, by their full names; stems only where a text names them as a place."""
    here = regions.get(county)
    places = [*regions.villages(county), *regions.children(county), *([here] if here else [])]
    for place in sorted(places, key=lambda place: -len(place.short)):
        said = re.compile(f"{re.escape(place.short)}|{re.escape(place.stem)}(?=[村镇乡县市屯]|那边|这边|人)")
        changed = said.sub(_PLACE_KINDS[place.level], text)
        if changed != text:
            removed.append("地名")
            text = re.sub(r"(某[村镇县])[村镇乡县市]", r"\1", changed)
    return re.sub(r"(?:某县)?(?:某镇)?某村", "某村", text)


def _rounded(match: re.Match[str]) -> str:
    """«53000块» → «几万块», «八万块» → «几万块», «3块» → «几块»."""
    number, unit, of = match["number"], match["unit"] or "", match["of"].removeprefix("多")
    if number[0].isdigit():
        digits = len(number.partition(".")[0])
        size = unit or {1: "", 2: "十", 3: "百", 4: "千"}.get(digits, "万")
    else:
        size = unit or next((sign for sign in "千百十" if sign in number), "")
    return f"几{size}{of}"


def _tidy(text: str) -> str:
    text = re.sub(r"[,，、;；]{2,}", "，", re.sub(r"\s+", " ", text))
    return text.strip(" ,，、;；:：")


@cache
def _tagger() -> Any:
    import jieba.posseg

    jieba.setLogLevel(logging.WARNING)
    return jieba.posseg.dt
