"""Limits in days: holidays, shifted workdays, years that are not published."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import CHINA
from core.working_days import Limit, due_after, is_workday


def at(day: str, hour: int = 10) -> datetime:
    """A moment of a day in China."""
    return datetime.fromisoformat(day).replace(hour=hour, tzinfo=CHINA)


@pytest.mark.parametrize(
    ("start", "limit", "last_day"),
    [
        ("2026-11-24", Limit(2), "2026-11-26"),
        ("2026-11-27", Limit(1, "working"), "2026-11-30"),  # over a weekend
        ("2026-09-30", Limit(1, "working"), "2026-10-08"),  # over the National Day holidays
        ("2026-10-08", Limit(3, "working"), "2026-10-12"),  # Saturday the 10th is worked in exchange
        ("2026-11-24", Limit(0), "2026-11-24"),
    ],
)
def test_the_last_day(start: str, limit: Limit, last_day: str) -> None:
    """A limit ends at midnight after its last day."""
    due = due_after(at(start), limit)
    assert due.at == at(last_day, 0) + timedelta(days=1)
    assert not due.provisional


def test_a_year_that_is_not_published_counts_by_weekdays() -> None:
    """2030's holidays are unknown: the limit is marked provisional, and weekdays count."""
    due = due_after(at("2030-01-04"), Limit(1, "working"))
    assert (due.at, due.provisional) == (at("2030-01-08", 0), True)


def test_the_day_is_china_s() -> None:
    """17:00 UTC is the next day in China already."""
    late = datetime(2026, 11, 24, 17, tzinfo=timezone.utc)
    assert due_after(late, Limit(1)).at == at("2026-11-27", 0)


@given(st.dates(date(2020, 1, 1), date(2035, 1, 1)), st.integers(0, 40))
def test_working_days_are_counted_one_by_one(day: date, days: int) -> None:
    """Between start and end there are exactly as many working days as the limit says, and the last day is one."""
    start = datetime(day.year, day.month, day.day, 9, tzinfo=CHINA)
    end = due_after(start, Limit(days, "working")).at.date() - timedelta(days=1)
    between = [day + timedelta(days=n) for n in range(1, (end - day).days + 1)]
    assert sum(is_workday(one)[0] for one in between) == days
    assert not between or is_workday(end)[0]
