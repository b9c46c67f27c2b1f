"""How a text is cut for a channel: SMS by UTF-16 units, WeChat by bytes of UTF-8, at the end of a sentence where one fits.

Chinese goes out as UCS-2: 70 units in one SMS, 67 in each part of a longer one; a character outside the basic plane is
two units and is never cut in half.
"""

from __future__ import annotations

import re
from collections.abc import Callable

SMS_WHOLE, SMS_PART = 70, 67
WECHAT_BYTES = 2048
_SENTENCE = re.compile(r"[^。！？；!?;\n]*[。！？；!?;\n]+|[^。！？；!?;\n]+")


def sms_units(text: str) -> int:
    """The length that an operator counts."""
    return len(text.encode("utf-16-be", "surrogatepass")) // 2


def sms_parts(text: str) -> list[str]:
    """The parts that a text is sent and billed as. They are put together again on the phone, so they break anywhere."""
    if sms_units(text) <= SMS_WHOLE:
        return [text] if text else []
    return _filled(text, SMS_PART, sms_units)


def wechat_parts(text: str, limit: int = WECHAT_BYTES) -> list[str]:
    """The messages that a text is sent as: each one is read by itself, so they break at the end of a sentence."""
    parts = [""]
    for sentence in _SENTENCE.findall(text):
        if _bytes(parts[-1] + sentence) <= limit:
            parts[-1] += sentence
        else:
            parts += _filled(sentence, limit, _bytes)
    return [part for part in parts if part]


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _filled(text: str, limit: int, length: Callable[[str], int]) -> list[str]:
    """Pieces of at most ``limit``, each as long as can be, no character cut."""
    parts, room = [""], limit
    for char in text:
        size = length(char)
        if size > room:
            parts.append("")
            room = limit
        parts[-1] += char
        room -= size
    return parts
