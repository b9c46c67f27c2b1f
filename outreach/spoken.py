"""The same words by other ways: a text for the village's WeChat group, a script for the loudspeaker."""

from __future__ import annotations

import re

DIGITS = str.maketrans("0123456789", "零一二三四五六七八九")
CHARACTERS_A_SECOND = 3.5  # a loudspeaker is read slowly
TIMES = 3  # so that who comes late hears it too
_NUMBER = re.compile(r"\d[\d-]{2,}\d")
_SIGNATURE = re.compile(r"^【([^】]+)】")


def group_text(said: str) -> str:
    """A broadcast's text as a message for the village's group: who speaks, then a sentence a line."""
    body = _SIGNATURE.sub("", said)
    office = _SIGNATURE.match(said)
    head = f"{office[1]}提醒各位乡亲：\n" if office else ""
    return head + "\n".join(line for line in re.split(r"(?<=[。！？])", body) if line)


def loudspeaker(said: str) -> tuple[str, int]:
    """A script to be read aloud, digits as they are spoken («幺» for one), and how many seconds reading it three times takes."""
    script = group_text(said).replace("\n", "\n\n")
    script = _NUMBER.sub(lambda found: "，".join(_spoken(part) for part in found[0].split("-") if part), script)
    return script, round(len(re.sub(r"\s", "", script)) / CHARACTERS_A_SECOND) * TIMES


def _spoken(digits: str) -> str:
    return digits.translate(DIGITS).replace("一", "幺")
