"""Twilio's error codes: what follows from each, and how it is said to people. Our own short table: ``errors.tsv``."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from core.delivery import Result

FILE = Path(__file__).parent / "errors.tsv"


@cache
def _table() -> dict[str, tuple[Result, str]]:
    lines = [line for line in FILE.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    rows = [line.split("\t") for line in lines]
    return {code: (Result(result), words) for code, result, words in rows}


def result_of(code: str) -> Result:
    """What follows from a refusal with a code. One that we do not know is the message's own: it is not sent again."""
    known = _table().get(code)
    return known[0] if known else Result.FAILED


def in_words(code: str) -> str:
    """A code as it is shown to people; empty for one that is not in the table."""
    known = _table().get(code)
    return known[1] if known else ""
