"""Rate limits: kind words for who sends too much, and never one for danger to life."""

from __future__ import annotations

from collections.abc import Callable

from limits import RateLimitItemPerMinute
from limits.strategies import FixedWindowRateLimiter

from channels.counters import Counters
from core.errors import MingbaiError

LOOPBACK = {"127.0.0.1", "::1"}


class TooFast(MingbaiError):
    """您发得太快了，请等一分钟再发。急事请打110、120。"""


class Limiter:
    """Messages a minute from one address, generous from this machine. Danger to life passes always."""

    def __init__(self, per_minute: int, loopback_per_minute: int, is_urgent: Callable[[str], bool]) -> None:
        self._outside, self._inside = RateLimitItemPerMinute(per_minute), RateLimitItemPerMinute(loopback_per_minute)
        self._limiter = FixedWindowRateLimiter(Counters())
        self._is_urgent = is_urgent

    def check(self, address: str, text: str) -> None:
        """Raises TooFast."""
        item = self._inside if address in LOOPBACK else self._outside
        if not self._limiter.hit(item, address) and not self._is_urgent(text):
            raise TooFast
