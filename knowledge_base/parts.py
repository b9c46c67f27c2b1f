"""Questions in two parts: «低保怎么申请，残疾证去哪里办» is two questions, «我老公病了，能不能报» is one."""

from __future__ import annotations

import re

_SEAM = re.compile(r"[？?。！!；;，,、\n ]+|还有|另外|顺便|以及|再问|再讲|和(?!好|睦|平|解|气)|跟")
_ASKS = re.compile(
    r"怎么|怎样|咋|点样|哪|什么|啥|几|多少|多久|多长|多大|为什么|谁|吗|[没不][？?]?$|能不能|可不可以|可以不可以|要不要|是不是|有没有|"
    r"会不会|算不算|得不得|能否|可否|可以.{0,8}[吗不没]|能.{0,10}[吗不没]"
)
LEAST = 4  # characters of a part


def in_two(text: str) -> tuple[str, str] | None:
    """The two parts of a normalised text, if it asks twice; None if it asks once, or more than twice."""
    pieces = _pieces(text)
    asking = [at for at, piece in enumerate(pieces) if _ASKS.search(piece)]
    if len(asking) != 2:
        return None
    # what is told before a question belongs to it
    first, second = "，".join(pieces[: asking[0] + 1]), "，".join(pieces[asking[0] + 1 : asking[1] + 1])
    return (first, second) if min(len(first), len(second)) >= LEAST else None


def _pieces(text: str) -> list[str]:
    return [piece for piece in _SEAM.split(text) if piece]
