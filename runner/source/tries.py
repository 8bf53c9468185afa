"""Tries: how often the network is asked, and how long to wait in between."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from runner.errors import SourceError
from runner.stop import Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Tries:
    """`attempts` in all, `backoff` between two of them. A requested `stop` ends a try and the waiting."""

    attempts: int = 1
    backoff: timedelta = timedelta(0)
    stop: Stop = field(default_factory=Stop)

    def __iter__(self) -> Iterator[bool]:
        """Once for each try, at its time: True if another may follow. Raises SourceError if stopped."""
        for number in range(1, self.attempts + 1):
            if number > 1:
                self.stop.wait(self.backoff.total_seconds())
            self.check()
            yield number < self.attempts

    def check(self) -> None:
        """Raises SourceError if stopped."""
        if self.stop.requested:
            raise SourceError(f"the checkout was stopped: {self.stop.reason}")
