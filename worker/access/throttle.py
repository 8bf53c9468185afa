"""Throttle: how often somebody may fail to log in.

DESIGN. Attempts are counted in memory, by their moments, and forgotten if they succeed; an attempt counts from its
beginning, so that many at once gain nothing. The client's address and the account's name have counts of their own. The
name's limit is the higher one, so that who guesses is kept out before whom they guess at. A server that starts anew
counts anew: whoever can make it do that needs no password.
"""

import threading
import time
from collections import deque
from collections.abc import Callable

from worker.errors import TooMany

_WINDOW_SECONDS = 600.0
_MOST_KEYS = 10_000
_ADDRESS_LIMIT, _NAME_LIMIT = 20, 50


class Throttle:
    """Counts what failed within ten minutes. Any thread may use it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._moments: dict[tuple[str, str], deque[float]] = {}

    def begin(self, *, address: str, name: str) -> None:
        """Count an attempt. Raises TooMany if too many failed before."""
        with self._lock:
            counts = self._recent("address", address), self._recent("name", name)
            for moments, limit in zip(counts, (_ADDRESS_LIMIT, _NAME_LIMIT), strict=True):
                if len(moments) >= limit:
                    wait = moments[0] + _WINDOW_SECONDS - self._clock()
                    raise TooMany(
                        "too many attempts failed: wait some minutes", retry_after_seconds=max(1, round(wait))
                    )
            for moments in counts:
                moments.append(self._clock())
            if len(self._moments) > _MOST_KEYS:
                self._forget_oldest()

    def forgive(self, *, address: str, name: str) -> None:
        """The attempt was good: it doesn't count."""
        with self._lock:
            for moments in (self._recent("address", address), self._recent("name", name)):
                if moments:
                    moments.pop()

    def _recent(self, kind: str, value: str) -> deque[float]:
        moments = self._moments.setdefault((kind, value), deque())
        while moments and moments[0] <= self._clock() - _WINDOW_SECONDS:
            moments.popleft()
        return moments

    def _forget_oldest(self) -> None:
        """Half of the keys go, those longest without an attempt: memory is bounded, whoever asks."""
        by_age = sorted(self._moments, key=lambda key: self._moments[key][-1] if self._moments[key] else 0.0)
        for key in by_age[: len(by_age) // 2]:
            del self._moments[key]
