"""Replies that cadres send often, with what is filled in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

FILE = Path(__file__).parent / "data" / "replies.yml"


@dataclass(frozen=True)
class Reply:
    """``text`` may hold {number}, {office} and {cadre}."""

    key: str
    title: str
    text: str

    def filled(self, **values: str) -> str:
        """The text with its variables; one that is not given stays as it is."""
        said = self.text
        for name, value in values.items():
            said = said.replace(f"{{{name}}}", value)
        return said


@cache
def replies() -> tuple[Reply, ...]:
    """All of them, in the file's order."""
    return tuple(Reply(str(one["key"]), str(one["title"]), str(one["text"])) for one in yaml.safe_load(FILE.read_text("utf-8")))
