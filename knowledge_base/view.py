"""Which sections hold for a place and a day: in force, and of the most local sheet that has the section."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WHOLE_REGION = "45"


@dataclass(frozen=True, slots=True)
class Place:
    """Where and when one section holds. Days as ISO dates, ``until`` empty for without end."""

    sheet: str
    region: str
    key: str
    aspect: str
    since: str
    until: str


@dataclass(frozen=True, eq=False)
class View:
    """The sections that hold for a place and a day, or will hold there later; both by their number, rising."""

    places: np.ndarray
    in_force: np.ndarray  # of each of the places, whether it holds on that day


def view_of(sections: list[Place], region: str | None, day: str) -> View:
    """The view of a villager's place, any code; without one only what holds for the whole region."""
    mine = (region or WHOLE_REGION)[:6]
    holding: dict[tuple[str, str], int] = {}
    coming: dict[tuple[str, str], int] = {}
    for number, section in enumerate(sections):
        if not mine.startswith(section.region) or (section.until and section.until < day):
            continue
        name = (section.sheet, section.key)
        chosen = holding if section.since <= day else coming
        if name not in chosen or len(section.region) > len(sections[chosen[name]].region):
            chosen[name] = number
    for name, number in list(coming.items()):
        if name in holding and len(sections[holding[name]].region) > len(sections[number].region):
            del coming[name]  # what the whole region brings later does not replace a county's own section
    places = np.array(sorted([*holding.values(), *coming.values()]), np.int64)
    return View(places, np.isin(places, list(holding.values())))
