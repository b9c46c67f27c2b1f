"""The rules of a broadcast: nobody is texted at night, nothing costs more than was signed, no step is skipped."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import CHINA
from outreach.rules import NotNow, Status, Step, affordable, after, closes_at, is_open, opens_next, steps_from, yuan

zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(2024, 1, 1), datetime(2032, 1, 1), timezones=zones)  # noqa: DTZ001  # the zone is drawn


@given(moments)
def test_the_window_is_the_same_in_every_zone(now: datetime) -> None:
    """Open from 8 to 21 o'clock in China, whatever zone a clock is set to; the next opening is never later than 11 hours."""
    hour = now.astimezone(CHINA).hour
    assert is_open(now) == (8 <= hour < 21)
    opening = opens_next(now)
    assert is_open(opening)
    assert timedelta(0) <= opening - now <= timedelta(hours=11)
    closing = closes_at(now)
    assert not is_open(closing)
    assert is_open(closing - timedelta(microseconds=1))
    assert timedelta(0) < closing - opening <= timedelta(hours=13)


@given(st.lists(st.integers(1, 500), max_size=30), st.integers(0, 3000), st.integers(0, 6000))
def test_the_budget_is_never_exceeded_and_used_up(costs: list[int], spent: int, budget: int) -> None:
    """What is paid for fits; one more would not."""
    paid = affordable(costs, spent, budget)
    assert paid == 0 or spent + sum(costs[:paid]) <= budget
    assert paid == len(costs) or spent + sum(costs[: paid + 1]) > budget


@given(st.lists(st.sampled_from(list(Step)), max_size=12))
def test_nothing_is_sent_that_was_not_checked_and_signed(steps: list[Step]) -> None:
    """However the steps come, sending comes after check, signature and start; what is stopped stays so."""
    status, taken = Status.DRAFT, list[Step]()
    for step in steps:
        before = status
        try:
            status = after(status, step)
        except NotNow:
            assert step not in steps_from(status)
            continue
        assert before != Status.STOPPED
        taken.append(step)
        if step == Step.EDIT:
            taken.clear()
        if status in (Status.SENDING, Status.PAUSED, Status.DONE):
            assert taken[:3] == [Step.CHECK, Step.APPROVE, Step.START]


@pytest.mark.parametrize(("li", "said"), [(0, "0.00元"), (45, "0.05元"), (123456, "123.46元"), (1000, "1.00元")])
def test_yuan(li: int, said: str) -> None:
    """Rounded up to the fen."""
    assert yuan(li) == said
