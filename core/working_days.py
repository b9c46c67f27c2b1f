"""Limits in calendar or working days. Shifted workdays count; a year whose holidays are not published yet counts by weekdays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Literal

import chinese_calendar

from core.clock import CHINA

Kind = Literal["calendar", "working"]


@dataclass(frozen=True)
class Limit:
    """So many days, counted from the day after."""

    days: int
    kind: Kind = "calendar"

    def __str__(self) -> str:
        return f"{self.days}{'个工作日' if self.kind == 'working' else '天'}"


@dataclass(frozen=True)
class Due:
    """The end of the last day. ``provisional``: it rests on a year whose holidays are not published, and will be recomputed."""

    at: datetime
    provisional: bool = False


@cache
def is_workday(day: date) -> tuple[bool, bool]:
    """Whether a day is a workday, and whether that is certain."""
    try:
        return bool(chinese_calendar.is_workday(day)), True
    except NotImplementedError:  # the State Council has not published that year, or this release does not know it
        return day.weekday() < 5, False


def due_after(start: datetime, limit: Limit) -> Due:
    """When a limit that began at a moment ends: at midnight after its last day, in China."""
    day, left, provisional = start.astimezone(CHINA).date(), limit.days, False
    while left > 0:
        day += timedelta(days=1)
        if limit.kind == "calendar":
            left -= 1
            continue
        works, certain = is_workday(day)
        provisional = provisional or not certain
        left -= works
    return Due(datetime.combine(day + timedelta(days=1), time(), CHINA), provisional)
