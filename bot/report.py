"""The self-report's dialogue: what is asked, what fits as an answer, when it can be filed, and what is asked after that.

It knows nothing of Rasa or the database: Rasa's form drives it, and without Rasa a fixed dialogue does.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import Any

from bot import reading
from core.regions import Region, Regions

SLOTS = ("event", "place", "contact")
FURTHER = ("relation", "household", "ill", "income", "helped")  # asked once the report is safe; each may be skipped
NOTICE = "2026-11"  # the version of ``utter_report_notice``: who reads a report, why, how long it is kept
TRIES = 2  # asked so often without a fitting answer, we take what was said and a cadre sorts it out
CHOICES = 6
EVENT_LIMIT = 2000
_PLACE = re.compile(r"[村屯镇乡街寨弄坪冲]|社区|街道|小区|安置")
_PLACE_WORDS = re.compile(r"[我们他她你的是在家住村镇乡屯市县组社区街道,，。.!！ 里上那边呢啊了个]")
_NO_PHONE = re.compile(r"没有|没得|冇|无|不方便|不想留|没手机|没电话|不知道|微信")
_BARE_WISH = re.compile(
    r"我|想|要|帮|忙|请|申报|申请|报|困难|监测户|监测|防返贫|返贫|一下|下|了|的|给|我家|家里|家|继续|接着|户|对象|登记|上去"
    r"|你们|政府|干部|村里|来|吧|呀|啊|[,，。.!！ ]"
)
_OTHER_WISH = re.compile(r"进度|结果|干部|人工|真人|客服|联系|投诉|举报|查")  # short texts with these are no story
_DIGITS = re.compile(r"[\d+() -]{7,}")
_YES_NO = re.compile(
    r"(没有?|冇|没得|有|无|有的|都好|都健康|得过|没得过|没有得过|没享受过|享受过|差不多|一样|少了|没少|没变)[了过的啊呢。.!！]*"
)
_FURTHER_WORDS = {
    "relation": re.compile(
        r"邻居|隔壁|对门|同村|亲戚|朋友|干部|网格|信息员|志愿|老师|叔|伯|婶|姑|姨|舅|侄|孙|儿子|女儿|崽|女婿|媳妇"
    ),
    "ill": re.compile(r"病|残|瘫|痛|中风|癌|瘤|尿毒|住院|吃药|摔|精神|智力|眼|耳|腿|手术|健康"),
    "income": re.compile(r"少|没|收入|工|钱|元|块|万|一样|打工|失业|种|养|卖"),
    "helped": re.compile(r"低保|五保|特困|监测|补助|救助|补贴|领|享受|脱贫|贫困|得过|没得|没有|帮"),
}


@dataclass
class Draft:
    """A report while it is being told. ``asked`` is the slot asked for last, ``tries`` how often in a row.

    Once it is filed, ``number`` names its case, and the further questions are asked.
    """

    event: str = ""
    place: str = ""
    region: str = ""  # the village's code, or the county's when the place is only words
    contact: str = ""
    no_contact: bool = False
    whom: str = ""  # for whom somebody else reports
    asked: str = ""
    tries: int = 0
    said: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)  # ids of the journalled messages that are in it
    choices: list[str] = field(default_factory=list)  # village codes to choose from
    answered: list[str] = field(default_factory=list)  # slots in the order in which they were filled, to go back
    number: str = ""

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Draft:
        return cls(**stored)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def has(self, slot: str) -> bool:
        if slot == "contact":
            return bool(self.contact) or self.no_contact
        return bool(self.event if slot == "event" else self.region)

    @property
    def missing(self) -> str | None:
        """The slot to ask for next, or None when the report can be filed."""
        return next((slot for slot in SLOTS if not self.has(slot)), None)

    def clear(self, slot: str) -> None:
        """Forget what a slot holds, so that it is asked again."""
        if slot == "event":
            self.event = ""
        elif slot == "place":
            self.region, self.place, self.choices = "", "", []
        else:
            self.contact, self.no_contact = "", False
        self.answered = [done for done in self.answered if done != slot]


class ReportDialogue:
    """Takes what villagers say into a draft, for one county."""

    def __init__(self, regions: Regions, county: str) -> None:
        self._regions = regions
        self._county = county

    def begin(self, text: str, region: str) -> Draft:
        """A draft out of the message that started it: often it says what happened, sometimes where and a number."""
        draft = Draft()
        self._note(draft, text)
        if len(_BARE_WISH.sub("", self._rest(text))) >= 3:
            draft.event = text
        self._take_place(draft, text)
        draft.choices = []
        if not draft.region and len(region) == 12 and (not draft.whom or reading.is_near(draft.whom)):
            draft.region, draft.place = region, self._regions.spoken(region)
        draft.contact = reading.find_phone(text)
        self._count(draft)
        return draft

    def fits(self, draft: Draft, text: str) -> bool:
        """Whether a text is an answer to what was asked or a word on the report, rather than a question or another wish."""
        if reading.goes_back(text) or reading.correction(text) or reading.wrong_slot(text):
            return True
        if reading.find_phone(text) and not self._rest(text):
            return True
        if draft.asked == "contact":
            return bool(reading.find_phone(text)) or self.is_place(text) or (len(text) <= 12 and bool(_NO_PHONE.search(text)))
        if self._regions.find_villages(text, self._county) and (draft.asked == "place" or self.is_place(text)):
            return len(text) <= 40 or reading.QUESTION.search(text) is None
        asks = reading.QUESTION.search(text) is not None
        if draft.asked == "place":
            return len(text) <= 20 and _PLACE.search(text) is not None and not asks
        other = len(text) <= 10 and _OTHER_WISH.search(text) is not None
        return draft.asked == "event" and len(_BARE_WISH.sub("", text)) >= 3 and not asks and not other

    @staticmethod
    def is_bare_wish(text: str) -> bool:
        """Whether a text only says that one wants to report («继续», «我要报困难»)."""
        return not _BARE_WISH.sub("", text)

    def is_place(self, text: str) -> bool:
        """Whether a text is nothing but a place of the county: an answer to «您是哪个村的»."""
        rest = text
        for region in self.places(text):
            for place in self._regions.path(region.code):
                rest = rest.replace(place.short, "").replace(place.stem, "")
        return rest != text and not _PLACE_WORDS.sub("", rest)

    def places(self, text: str) -> list[Region]:
        """The villages that a text names, or else the townships."""
        villages = self._regions.find_villages(text, self._county)
        if len(villages) == 1:
            return villages
        towns = [town for town in self._regions.children(self._county) if town.stem in text]
        return towns if len(towns) == 1 else villages

    def take(self, draft: Draft, text: str) -> bool:
        """Take an answer, a correction or a step back. What does not fit is asked again, and taken as it is after that.

        Gives whether it was a try at the question: a correction, or what was told besides, costs none.
        """
        self._note(draft, text)
        known = draft.region, draft.contact
        is_try = False
        if reading.goes_back(text):
            self._go_back(draft)
        elif not self._correct(draft, text):
            self._answer(draft, text)
            is_try = known == (draft.region, draft.contact) and not self.is_place(text)
        self._count(draft)
        return is_try

    def choose_place(self, draft: Draft, code: str) -> None:
        """Take a village that was offered as a button. Anything else changes nothing."""
        region = self._regions.get(code)
        if region is not None and region.level == "village" and code.startswith(self._county):
            draft.region, draft.place, draft.choices = code, self._regions.spoken(code), []
            self._count(draft)

    def ask(self, draft: Draft, *, counting: bool) -> str:
        """The name of the question to put now. ``counting`` counts a try: not after an interruption."""
        slot = draft.missing
        if slot is None:
            return ""
        again = draft.asked == slot
        draft.tries = draft.tries + counting if again else 1
        draft.asked = slot
        if slot == "place" and draft.choices:
            return "ask_place_which"
        return f"ask_{slot}_again" if again and counting and slot != "event" else f"ask_{slot}"

    def options(self, draft: Draft) -> list[Region]:
        """The villages to offer as buttons, when a name is ambiguous."""
        found = [self._regions.get(code) for code in draft.choices]
        return [region for region in found if region is not None]

    def village(self, text: str) -> Region | None:
        """The one village that a text names."""
        villages = self._regions.find_villages(text, self._county)
        return villages[0] if len(villages) == 1 else None

    # --- after it was filed ------------------------------------------------------------------------------------

    def fits_further(self, draft: Draft, text: str) -> bool:
        """Whether a text answers the further question that is open, skips it, or ends the questions."""
        if draft.asked not in FURTHER:
            return False
        if reading.skips(text) or reading.stops(text) or reading.goes_back(text):
            return True
        if len(text) > 80 or reading.QUESTION.search(text):
            return False
        if draft.asked == "household":
            return bool(reading.find_household(text)) or re.fullmatch(r"\d{1,2}|[一二两三四五六七八九十]{1,2}", text) is not None
        return _YES_NO.fullmatch(text) is not None or _FURTHER_WORDS[draft.asked].search(text) is not None

    def further(self, draft: Draft, *, back: bool = False) -> str:
        """The next of the further questions, or nothing; ``back`` gives the one before the one that is open."""
        asked = [slot for slot in FURTHER if slot != "relation" or draft.whom]
        at = asked.index(draft.asked) if draft.asked in asked else -1
        at = max(at - 1, 0) if back else at + 1
        draft.asked = asked[at] if at < len(asked) else ""
        return draft.asked

    # --- inside --------------------------------------------------------------------------------------------------

    def _answer(self, draft: Draft, text: str) -> None:
        """Take a text for what it is: a number or a village is one, whatever was asked."""
        phone, rest = reading.find_phone(text), _BARE_WISH.sub("", self._rest(text))
        known = draft.region, draft.contact
        if draft.asked == "place" or not draft.region or self.is_place(text):
            self._take_place(draft, text)
        if phone and (draft.asked == "contact" or not draft.contact):
            draft.contact, draft.no_contact = phone, False
        last_try = draft.tries >= TRIES and known == (draft.region, draft.contact)  # and it told us nothing else
        if draft.asked == "event" and (last_try or len(rest) >= 2):
            draft.event = text
        elif draft.asked == "place" and not draft.region and last_try:
            draft.region, draft.place = self._county, text
        elif draft.asked == "contact" and not phone:
            draft.no_contact = last_try or _NO_PHONE.search(text) is not None
        if draft.asked != "place":
            draft.choices = []  # a village that is only mentioned is no question of its own

    def _correct(self, draft: Draft, text: str) -> bool:
        """Take «不是…，是…» into the slot that its new value belongs to. False when it is no correction."""
        new = reading.correction(text)
        if not new:
            wrong = reading.wrong_slot(text)
            if wrong not in SLOTS:
                return False
            draft.clear(wrong)
            self._fill(draft, text)
            return True
        if not self._fill(draft, new):
            if draft.asked == "place" and _PLACE.search(new):
                return False
            draft.event = f"{draft.event}（更正：{text}）" if draft.event else text
            draft.event = draft.event[-EVENT_LIMIT:]
        return True

    def _fill(self, draft: Draft, text: str) -> bool:
        phone, village = reading.find_phone(text), self.village(text)
        if phone:
            draft.contact, draft.no_contact = phone, False
        if village is not None:
            draft.region, draft.place, draft.choices = village.code, self._regions.spoken(village.code), []
        return bool(phone) or village is not None

    def _go_back(self, draft: Draft) -> None:
        """Ask again for what was answered last."""
        if draft.answered:
            slot = draft.answered[-1]
            draft.clear(slot)
            draft.asked, draft.tries = "", 0

    def _take_place(self, draft: Draft, text: str) -> None:
        villages = self._regions.find_villages(text, self._county)
        if len(villages) == 1:
            draft.region, draft.choices = villages[0].code, []
            draft.place = self._regions.spoken(villages[0].code)
        elif villages or not draft.region:
            draft.choices = [village.code for village in villages[:CHOICES]]

    def _rest(self, text: str) -> str:
        """What a text says beside a phone number and a bare place."""
        without = _DIGITS.sub("", text) if reading.find_phone(text) else text
        return "" if self.is_place(without) or not _PLACE_WORDS.sub("", without.replace("电话", "")) else without

    @staticmethod
    def _note(draft: Draft, text: str) -> None:
        draft.said.append(text)
        draft.whom = draft.whom or reading.proxy_for(text)

    @staticmethod
    def _count(draft: Draft) -> None:
        draft.answered = [slot for slot in draft.answered if draft.has(slot)]
        draft.answered += [slot for slot in SLOTS if draft.has(slot) and slot not in draft.answered]
