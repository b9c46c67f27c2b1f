"""Counters of rate limits in memory.

``limits`` brings a store of its own, which starts a thread every ten milliseconds of traffic to throw away what ran out:
a twentieth of a message's whole cost. This one sweeps once a minute, in the call that finds the minute over.
"""

from __future__ import annotations

import threading
import time

from limits.storage import Storage

SWEEP_EVERY_S = 60.0


class Counters(Storage):
    """Fixed windows: a count for each key, gone when its window ends. Thread-safe."""

    STORAGE_SCHEME = ["mingbai"]  # noqa: RUF012  # the base class declares it so

    def __init__(self) -> None:
        super().__init__()
        self._counts: dict[str, tuple[int, float]] = {}  # key -> (count, when the window ends)
        self._swept = time.time()
        self._lock = threading.Lock()

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError  # nothing can fail here; the base class wants a type

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count up and give the count; a window of ``expiry`` seconds begins with its first."""
        now = time.time()
        with self._lock:
            if now - self._swept >= SWEEP_EVERY_S:
                self._counts = {name: kept for name, kept in self._counts.items() if kept[1] > now}
                self._swept = now
            count, ends = self._counts.get(key, (0, 0.0))
            if ends <= now:
                count, ends = 0, now + expiry
            self._counts[key] = (count + amount, ends)
            return count + amount

    def get(self, key: str) -> int:
        count, ends = self._counts.get(key, (0, 0.0))
        return count if ends > time.time() else 0

    def get_expiry(self, key: str) -> float:
        """When the key's window ends, in seconds since the epoch; now, if there is none."""
        return self._counts.get(key, (0, time.time()))[1]

    def check(self) -> bool:
        return True

    def reset(self) -> int:
        with self._lock:
            forgotten, self._counts = len(self._counts), {}
        return forgotten

    def clear(self, key: str) -> None:
        with self._lock:
            self._counts.pop(key, None)
