"""Changes to a sheet's text that leave the rest of it as its author wrote it; and what differs between two texts."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from knowledge_base.golden import NoSuchSection

AROUND = 2  # unchanged lines shown around a change


def with_asked(text: str, key: str, line: str) -> str:
    """The text with one more asked-as line in a section. Raises NoSuchSection."""
    lines = text.split("\n")
    asked = line.replace("|", " ").replace("\n", " ").strip()
    for place, head in enumerate(lines):
        if head.startswith(f"## {key} ") and len(lines) > place + 2 and lines[place + 2].startswith("asked as:"):
            lines[place + 2] = f"{lines[place + 2].rstrip()} | {asked}"
            return "\n".join(lines)
    raise NoSuchSection


@dataclass(frozen=True)
class DiffLine:
    """A line of a comparison. ``mark``: + added, - gone, blank unchanged, … something left out."""

    mark: str
    text: str


def difference(old: str, new: str) -> list[DiffLine]:
    """The changed lines with a few around them."""
    marked = [(line[0], line[2:]) for line in difflib.ndiff(old.splitlines(), new.splitlines()) if line[0] != "?"]
    return list(_near_changes(marked))


def _near_changes(marked: list[tuple[str, str]]) -> Iterator[DiffLine]:
    changed = [place for place, (mark, _) in enumerate(marked) if mark != " "]
    shown = {near for place in changed for near in range(place - AROUND, place + AROUND + 1)}
    skipped = False
    for place, (mark, text) in enumerate(marked):
        if place in shown:
            if skipped:
                yield DiffLine("…", "")
            skipped = False
            yield DiffLine(mark, text)
        else:
            skipped = True
