"""What all SMS carriers share: numbers, and an answer as one or two parts with digits as choices."""

from __future__ import annotations

import re
from typing import Any

import phonenumbers

from channels.segment import SMS_PART, SMS_WHOLE, sms_units
from channels.texts import ChannelTexts

CHANNEL = "sms"  # of the outbox: whatever carrier serves it
PARTS = 2
CHOOSE = "回数字："
_DIALLED = re.compile(r"\+?[\d\s()（）-]+")
_SENTENCE_END = re.compile(r"[。！？；!?;\n]")


def number(spoken: str) -> str | None:
    """A phone number as E.164 (mainland China where no country is told), or None if it is none."""
    if not _DIALLED.fullmatch(spoken):
        return None  # a masked number («0774-8***110») must not become a stranger's
    try:
        parsed = phonenumbers.parse(spoken, "CN")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def duty_call(case_number: str, place: str) -> str:
    """What the duty phone is told of an alert: which case and where, nothing of what was said."""
    return ChannelTexts().say("call_duty", number=case_number, place=place)


def digest_text(soon: int, overdue: int, unclaimed: int, called: int) -> str:
    """What somebody of the desk is told once a day: numbers, nothing of a case."""
    numbers = {"soon": soon, "overdue": overdue, "unclaimed": unclaimed, "called": called}
    return ChannelTexts().say("desk_digest", **{name: str(value) for name, value in numbers.items()})


def is_mainland(e164: str) -> bool:
    """Whether a number is of mainland China (Hong Kong, Macao and Taiwan have codes of their own)."""
    return e164.startswith("+86")


def text_of(content: dict[str, Any], parts: int = PARTS) -> str:
    """What is sent of an outbox message: its text, or its replies rendered. Empty where there is nothing to send."""
    if "text" in content:
        return str(content["text"])
    return render(content.get("replies", []), parts)


def render(replies: list[dict[str, Any]], parts: int = PARTS) -> str:
    """An answer in at most so many parts. The first bubble always comes; choices go before later bubbles do, each from
    the end. Choices keep the numbers under which the assistant knows them."""
    limit = SMS_WHOLE if parts == 1 else SMS_PART * parts
    bubbles = [reply["text"] for reply in replies if reply["text"]]
    if not bubbles:
        return ""
    titles: list[dict[str, str]] = next((reply["buttons"] for reply in reversed(replies) if reply.get("buttons")), [])
    choices = [f"{place}{button['title']}" for place, button in enumerate(titles, 1)]
    for count in range(len(bubbles), 0, -1):
        body = "\n".join(bubbles[:count])
        if sms_units(body) > limit:
            continue
        for shown in range(len(choices), 0, -1):
            said = f"{body}\n{CHOOSE}{' '.join(choices[:shown])}"
            if sms_units(said) <= limit:
                return said
        return body
    return _cut(bubbles[0], limit)


def _cut(text: str, limit: int) -> str:
    """The beginning of a text that is too long, up to the last end of a sentence that fits."""
    while sms_units(text) > limit - 1:
        text = text[:-1]
    ends = [found.end() for found in _SENTENCE_END.finditer(text)]
    return text[: ends[-1]] if ends and ends[-1] > limit // 2 else f"{text}…"
