"""Counters of rate limits."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from limits import RateLimitItemPerMinute
from limits.strategies import FixedWindowRateLimiter

from channels import counters
from channels.counters import Counters


class Clock:
    """A clock that the test moves."""

    now = 1000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def moving(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(counters, "time", clock)
    return clock


def test_a_window_ends(moving: Clock) -> None:
    """So many hits a minute; with the next minute there are as many again."""
    limiter, item = FixedWindowRateLimiter(Counters()), RateLimitItemPerMinute(3)
    assert [limiter.hit(item, "a") for _ in range(5)] == [True, True, True, False, False]
    assert limiter.hit(item, "b")
    moving.now += 61
    assert limiter.hit(item, "a")


def test_what_ran_out_is_forgotten(moving: Clock) -> None:
    """Senders of an hour ago take no memory."""
    store = Counters()
    for sender in range(500):
        store.incr(f"sender-{sender}", 60)
    assert store.get("sender-7") == 1
    assert store.get_expiry("sender-7") == moving.now + 60
    moving.now += 120
    assert store.get("sender-7") == 0
    store.incr("another", 60)
    assert store.reset() == 1


def test_no_thread_is_started_for_it() -> None:
    """Counting costs no threads, and no count is lost between some."""
    before, store = threading.active_count(), Counters()
    counting = [threading.Thread(target=_count, args=(store,)) for _ in range(4)]
    for each in counting:
        each.start()
    for each in counting:
        each.join()
    assert store.get("k") == 4000
    assert threading.active_count() == before


def _count(store: Counters) -> Any:
    for _ in range(1000):
        store.incr("k", 60)


def test_one_key_can_be_cleared() -> None:
    store = Counters()
    store.incr("a", 60)
    store.incr("b", 60, 2)
    store.clear("a")
    assert (store.get("a"), store.get("b"), store.check()) == (0, 2, True)
