"""Rates: how often something may happen, counted by whose it is.

DESIGN. Token buckets in memory: each key has `burst` at first and gets `per_second` more as time goes by. Their number
is bounded: those that were used last long ago go first, and a full one is as good as none.
"""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

_MOST_KEYS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many a second for as long as one likes, and `burst` at once."""

    per_second: float
    burst: int


class Rates:
    """The buckets of one rate. Any thread may use it."""

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._lock = threading.Lock()
        self._levels: dict[str, tuple[float, float]] = {}  # how full each is, and at which moment

    def take(self, key: str) -> bool:
        """Take one of the key's, if there is one."""
        with self._lock:
            level = self._level(key)
            if level < 1:
                return False
            self._levels.pop(key, None)  # whoever was used last stands last
            self._levels[key] = (level - 1, self._clock())
            if len(self._levels) > _MOST_KEYS:
                self._forget_oldest()
            return True

    def wait_seconds(self, key: str) -> int:
        """In how many whole seconds the key has one again; 0 if it has one now."""
        with self._lock:
            return max(0, math.ceil((1 - self._level(key)) / self._rate.per_second))

    def _level(self, key: str) -> float:
        level, moment = self._levels.get(key, (float(self._rate.burst), self._clock()))
        return min(float(self._rate.burst), level + (self._clock() - moment) * self._rate.per_second)

    def _forget_oldest(self) -> None:
        for key in list(self._levels)[: _MOST_KEYS // 2]:
            del self._levels[key]
