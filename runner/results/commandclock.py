"""CommandClock: how each command of a step ended and how long it took, told by the marks between them."""

import time
from collections.abc import Callable

from pipelines.records import CommandRun, Stream
from runner.results.marks import Mark


class CommandClock:
    """Measures from mark to mark.

    A mark comes on both outputs, which may be far apart: the first arrival counts, so the nth on one output is the nth
    on the other. Once both are one, each comes twice in a row.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._current: Mark | None = None
        self._came = dict.fromkeys(Stream, 0)
        self._began = 0.0
        self._seconds: dict[int, float] = {}
        self._exit_codes: dict[int, int] = {}

    def mark(self, stream: Stream, mark: Mark) -> None:
        """A command begins."""
        counted = max(self._came.values())
        self._came[stream] += 1
        if self._came[stream] <= counted or mark == self._current:
            return
        self._end(mark.exit_code)
        self._current, self._began = mark, self._clock()

    def finish(self, exit_code: int | None) -> tuple[CommandRun, ...]:
        """What became of all commands that were reached, in the order they were. The step ended with this code."""
        self._end(exit_code)
        self._current = None
        return tuple(
            CommandRun(command=command, exit_code=self._exit_codes.get(command), duration_ms=round(seconds * 1000))
            for command, seconds in self._seconds.items()
        )

    def _end(self, exit_code: int | None) -> None:
        if self._current is None:
            return
        command = self._current.command
        self._seconds[command] = self._seconds.get(command, 0.0) + self._clock() - self._began
        if exit_code is not None:
            self._exit_codes[command] = exit_code
