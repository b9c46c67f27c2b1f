"""The self-report as a form: all of it at once, into the draft that the dialogue would have made of it.

Filing it is the dialogue's business, so that form and chat file the same case in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot import reading
from bot.records import conversation_row
from bot.report import Draft
from bot.skills.report import keep_draft
from bot.skills.shared import Shared
from core.errors import MingbaiError

EVENT_LIMIT = 2000


class NotAnEvent(MingbaiError):
    """请写一写出了什么事。"""


class NotAPhone(MingbaiError):
    """这个号码不对。手机号是11位数字。没有电话就空着。"""


@dataclass(frozen=True)
class Told:
    """What a form says: what happened, the village's code, a phone number or nothing, and for whom if not for oneself."""

    event: str
    village: str
    phone: str = ""
    whom: str = ""

    def in_words(self) -> str:
        """As it would have been typed in the chat."""
        whom = f"帮{self.whom}报。" if self.whom else ""
        return f"我要报困难。{whom}{self.event}{f' 电话{self.phone}' if self.phone else ''}"


def checked(event: str, village: str, phone: str, whom: str) -> Told:
    """A form that can be filed. Raises NotAnEvent, NotAPhone."""
    if len(event) < 2:
        raise NotAnEvent
    found = reading.find_phone(phone) if phone else ""
    if phone and not found:
        raise NotAPhone
    return Told(event[:EVENT_LIMIT], village, found, whom[:20])


class ReportForm:
    """Takes a form into a conversation."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    def hold(self, conversation: str, told: Told) -> None:
        """Put a form into the conversation's draft, complete: the next step files it."""
        draft = Draft(
            event=told.event, place=self._shared.regions.spoken(told.village), region=told.village, contact=told.phone,
            no_contact=not told.phone, whom=told.whom, asked="event", said=[told.in_words()],
            answered=["event", "place", "contact"],
        )  # fmt: skip
        with self._shared.database.begin() as session:
            keep_draft(self._shared, conversation_row(session, conversation), draft)
