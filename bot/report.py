"""The self-report's dialogue: what is asked, what fits as an answer, and when it is complete.

It knows nothing of Rasa or the database: Rasa's form drives it, and without Rasa a fixed dialogue does.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import asdict, dataclass, field
from typing import Any

import phonenumbers

from core.regions import Region, Regions

SLOTS = ("event", "place", "contact")
TRIES = 2  # asked so often without a fitting answer, we take what was said and a cadre sorts it out
CHOICES = 6
_PLACE = re.compile(r"[村屯镇乡街寨弄坪冲]|社区|街道|小区|安置")
_NO_PHONE = re.compile(r"没有|没得|冇|无|不方便|不想留|没手机|没电话|不知道|微信")
_QUESTION = re.compile(r"[?？]|吗|怎么|多少|几多|几时|哪里|什么|谁|能不能|可不可以|得不得|是不是|要不要|有没有|点样")
_BARE_WISH = re.compile(
    r"我|想|要|帮|忙|请|申报|申请|报|困难|监测户|监测|防返贫|返贫|一下|下|了|的|给|我家|家里|家|继续|接着|户|对象|登记|上去"
    r"|你们|政府|干部|村里|来|吧|呀|啊|[,，。.!！ ]"
)


@dataclass
class Draft:
    """An open report. ``asked`` is the slot that was asked for last, ``tries`` how often in a row."""

    event: str = ""
    place: str = ""
    region: str = ""  # the village's code, or the county's when the place is only words
    contact: str = ""
    no_contact: bool = False
    asked: str = ""
    tries: int = 0
    said: list[str] = field(default_factory=list)
    choices: list[str] = field(default_factory=list)  # village codes to choose from

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


class ReportDialogue:
    """Takes what villagers say into a draft, for one county."""

    def __init__(self, regions: Regions, county: str) -> None:
        self._regions = regions
        self._county = county

    def begin(self, text: str, region: str) -> Draft:
        """A draft out of the message that started it: often it says what happened, sometimes where and a number."""
        draft = Draft()
        self._note(draft, text)
        if len(_BARE_WISH.sub("", text)) >= 3:
            draft.event = text
        if len(region) == 12:
            draft.region, draft.place = region, self._regions.spoken(region)
        else:
            self._take_place(draft, text)
            draft.choices = []
        draft.contact = find_phone(text)
        return draft

    def fits(self, draft: Draft, text: str) -> bool:
        """Whether a text is an answer to what was asked, rather than a question or another wish."""
        if draft.asked == "contact":
            return bool(find_phone(text)) or (len(text) <= 12 and _NO_PHONE.search(text) is not None)
        if draft.asked == "place":
            if self._regions.find_villages(text, self._county):
                return len(text) <= 40 or _QUESTION.search(text) is None
            return len(text) <= 20 and _PLACE.search(text) is not None and _QUESTION.search(text) is None
        return draft.asked == "event" and len(_BARE_WISH.sub("", text)) >= 3 and _QUESTION.search(text) is None

    @staticmethod
    def is_bare_wish(text: str) -> bool:
        """Whether a text only says that one wants to report («继续», «我要报困难»)."""
        return not _BARE_WISH.sub("", text)

    def take(self, draft: Draft, text: str) -> None:
        """Take an answer to what was asked. What does not fit is asked again, and taken as it is after that."""
        self._note(draft, text)
        last_try = draft.tries >= TRIES
        if draft.asked == "event":
            draft.event = text if last_try or len(_BARE_WISH.sub("", text)) >= 2 else ""
        elif draft.asked == "place":
            self._take_place(draft, text)
            if not draft.region and last_try:
                draft.region, draft.place = self._county, text
        elif draft.asked == "contact":
            draft.contact = find_phone(text)
            draft.no_contact = not draft.contact and (last_try or _NO_PHONE.search(text) is not None)
        if not draft.contact and draft.asked != "contact":
            draft.contact = find_phone(text)

    def choose_place(self, draft: Draft, code: str) -> None:
        """Take a village that was offered as a button. Anything else changes nothing."""
        region = self._regions.get(code)
        if region is not None and region.level == "village" and code.startswith(self._county):
            draft.region, draft.place, draft.choices = code, self._regions.spoken(code), []

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

    def _take_place(self, draft: Draft, text: str) -> None:
        villages = self._regions.find_villages(text, self._county)
        if len(villages) == 1:
            draft.region, draft.choices = villages[0].code, []
            draft.place = self._regions.spoken(villages[0].code)
        else:
            draft.choices = [village.code for village in villages[:CHOICES]]

    @staticmethod
    def _note(draft: Draft, text: str) -> None:
        draft.said.append(text)


def find_phone(text: str) -> str:
    """The first Chinese phone number in a text, as E.164, or nothing."""
    text = unicodedata.normalize("NFKC", text)
    for match in phonenumbers.PhoneNumberMatcher(text, "CN"):
        return phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
    # a number that stands between Chinese characters has no word boundary, which the matcher wants
    bare = re.search(r"(?<!\d)1[3-9]\d{9}(?!\d)", re.sub(r"(?<=\d)[ -](?=\d)", "", text))
    return f"+86{bare.group()}" if bare else ""
