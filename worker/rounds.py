"""Rounds: what most threads of the server do: the same thing again and again, until the server ends.

DESIGN. Nothing that goes wrong in a round ends the thread: what may pass (the database does not answer) is said once, a
bug with its traceback, and the next round comes after a pause that no `wake` shortens. `stop` ends any pause, not the
round: whatever a round does, it does whole.
"""

import threading
from collections.abc import Callable

import structlog

from worker.errors import Unavailable

log = structlog.get_logger()


class Rounds:
    """A thread that calls `take` until it is stopped.

    `take` does one round and gives the seconds until the next. `waits` says, in the log, what waits while the database
    does not answer. The first round comes after `first_seconds`, the one after a broken one after `retry_seconds`.
    """

    def __init__(
        self,
        name: str,
        take: Callable[[], float],
        *,
        waits: str,
        first_seconds: float = 0.0,
        retry_seconds: float = 1.0,
    ) -> None:
        self._take = take
        self._waits = waits
        self._first_seconds = first_seconds
        self._retry_seconds = retry_seconds
        self._is_in_trouble = False
        self._is_ending = threading.Event()
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Take the next round now, or one more after the one that is being taken. May be called from any thread."""
        self._woken.set()

    def pause(self, seconds: float) -> bool:
        """Wait within a round; True, and at once, if the thread is to end."""
        return self._is_ending.wait(seconds)

    def is_alive(self) -> bool:
        """True while the thread runs."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """End after the round that is being taken, and wait for the end."""
        self._is_ending.set()
        self._woken.set()
        self._thread.join()

    def _run(self) -> None:
        seconds = self._first_seconds
        while not self._is_over_after(seconds):
            seconds = self._take_or_retry()

    def _is_over_after(self, seconds: float) -> bool:
        self._woken.wait(max(0.0, seconds))
        self._woken.clear()
        return self._is_ending.is_set()

    def _take_or_retry(self) -> float:
        try:
            seconds = self._take()
        except Unavailable as error:
            if not self._is_in_trouble:
                log.warning(self._waits, error=str(error))
            self._is_in_trouble = True
        except Exception:
            log.exception("a round broke", thread=self._thread.name)  # the next one may not
        else:
            self._is_in_trouble = False
            return seconds
        self.pause(self._retry_seconds)
        return 0.0
