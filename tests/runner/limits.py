"""Limits: the time limits of jobs and steps, over when a test says so and not when a clock does.

What a step has to do before its time is up may take a busy machine any time.
"""

import threading
from collections.abc import Callable


class Limits:
    """Takes the place of the timers behind `runner.deadline`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: list[_Limit] = []

    def timer(self, seconds: float, act: Callable[..., None], arguments: tuple[object, ...]) -> "_Limit":
        """A limit as `threading.Timer` would be one."""
        return _Limit(self, seconds, lambda: act(*arguments))

    def run_out(self, seconds: float) -> None:
        """The time is up of what has a limit of so many seconds and is under way."""
        with self._lock:
            over = [limit for limit in self._kept if limit.seconds == seconds]
        assert over, f"nothing with a limit of {seconds:g} s is under way"
        for limit in over:
            limit.act()

    def begin(self, limit: "_Limit") -> None:
        """From now on, this limit may run out."""
        with self._lock:
            self._kept.append(limit)

    def end(self, limit: "_Limit") -> None:
        """And from now on it can't any more."""
        with self._lock:
            self._kept.remove(limit)


class _Limit:
    """One time limit."""

    daemon = False

    def __init__(self, limits: Limits, seconds: float, act: Callable[[], None]) -> None:
        self.seconds = seconds
        self.act = act
        self._limits = limits

    def start(self) -> None:
        self._limits.begin(self)

    def cancel(self) -> None:
        self._limits.end(self)
