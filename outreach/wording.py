"""What a broadcast says: drafted by rule, filled in for each village, and held to what a text must and must not say."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy.orm import Session

from channels.segment import sms_parts
from core.county import contacts_for
from core.regions import Regions
from outreach.categories import words_of_status

FIELDS = ("{村}", "{联系人}", "{电话}")
NO_MONEY = "不收钱、不要银行卡"
MOST_PARTS = 4
_LINK = re.compile(r"https?:|www\.|[a-z0-9-]+\.(com|cn|net|org|top|xyz|cc|vip|link)\b|t\.cn/|点击链接|点开链接", re.IGNORECASE)
_ASKS_REPLY = re.compile(r"(请)?(回复|回短信|回信息|回数字|回[1-9一二三四五])")
_OPT_OUT = re.compile(r"(退订|拒收)请?回复?[A-Za-z]{1,2}|回复?[A-Za-z]{1,2}(退订|拒收)")
_PHONE = re.compile(r"\{电话\}|1[3-9]\d{9}|0\d{2,3}-?\d{7,8}|12345|12317|110|119|120")
_LEFT_OVER = re.compile(r"[{}]")


@dataclass(frozen=True)
class Wording:
    """The text for one village."""

    region: str
    said: str
    parts: int


def draft(short: str, office: str) -> str:
    """A text out of a sheet's short line, with all that it must say."""
    return f"【{office}】{short.rstrip('。')}。不清楚问{{村}}{{联系人}}{{电话}}。办政策{NO_MONEY}。"


def problems(wording: str, office: str, *, links: bool = False) -> list[str]:
    """What is wrong with a text before its fields are filled in, in words for its author; empty where nothing is."""
    plain = _OPT_OUT.sub("", wording)
    found = []
    if not links and _LINK.search(plain):
        found.append("不能带网址：骗子常用短信网址，村民不敢点。")
    named = next((word for word in words_of_status() if word in plain), None)
    if named:
        found.append(f"不能出现“{named}”：家里别人也会看到这条短信，不能让人知道这户是什么户。")
    if office not in wording:
        found.append(f"要写明是谁发的：“{office}”。")
    if not _PHONE.search(wording):
        found.append("要有能打的电话：用 {电话} 就是每个村自己的联系人。")
    if NO_MONEY not in wording:
        found.append(f"要写上“{NO_MONEY}”。")
    if _ASKS_REPLY.search(plain):
        found.append("不要叫人回短信，除了退订。")
    bare = wording
    for name in FIELDS:
        bare = bare.replace(name, "")
    if _LEFT_OVER.search(bare):
        found.append(f"大括号里只能写：{'、'.join(FIELDS)}。")
    return found


def fill(session: Session, regions: Regions, wording: str, region: str) -> Wording | None:
    """The text for a village; None where nobody there, nor above it, has a number that can be dialled."""
    place = regions.get(region)
    people = [person for person in contacts_for(session, region) if person.phone]
    if place is None or not people:
        return None
    person = people[0]
    name = person.name.removesuffix("（示例）")
    said = wording.replace("{村}", place.short).replace("{联系人}", name).replace("{电话}", person.phone)
    return Wording(region, said, len(sms_parts(said)))
