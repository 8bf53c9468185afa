"""Pace: how fast forges are told, and how long one that fails is left alone."""

import time
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often the outbox is looked at, how long an answer and a failure last at most, and when to give up."""

    look: timedelta = timedelta(seconds=1)
    patience: timedelta = timedelta(seconds=15)
    first_delay: timedelta = timedelta(seconds=1)
    longest_delay: timedelta = timedelta(minutes=5)
    give_up: timedelta = timedelta(days=1)

    def delay(self, failures: int) -> timedelta:
        """How long to wait after so many failures in a row."""
        doublings = min(max(failures - 1, 0), 30)
        return min(self.first_delay * (1 << doublings), self.longest_delay)


class Holds:
    """Which forges are to be left alone for now, by whatever names them. Forgotten when the server ends."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._failures: dict[str, int] = {}
        self._until: dict[str, float] = {}

    def is_held(self, name: str) -> bool:
        """True while it is to be left alone."""
        return time.monotonic() < self._until.get(name, 0.0)

    def note_failure(self, name: str, asked: timedelta) -> timedelta:
        """It failed once more; gives how long it is left alone, which is at least what it asked for."""
        self._failures[name] = self._failures.get(name, 0) + 1
        wait = max(asked, self._pace.delay(self._failures[name]))
        self._until[name] = time.monotonic() + wait.total_seconds()
        return wait

    def note_success(self, name: str, asked: timedelta) -> None:
        """It works; if it asked to be left alone for a while all the same, it is."""
        self._failures.pop(name, None)
        self._until.pop(name, None)
        if asked:
            self._until[name] = time.monotonic() + asked.total_seconds()
