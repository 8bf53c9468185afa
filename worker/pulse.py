"""Pulse: whether deliveries and logs can be stored, found out by trying to write to the database and to the disk.

DESIGN. To read the database would not tell: a database that others hold, or whose disk is full, is read as ever while
each delivery is answered 503. A trial takes the writers' turn, which changes nothing, and room on the disk of the data
directory, which it gives back. Anybody may ask for it, so what was found holds for some seconds, and whoever asks
meanwhile waits for no trial of their own.
"""

import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from worker.errors import Unavailable
from worker.store.database import Database

_HOLDS_SECONDS = 2.0
_PATIENCE_SECONDS = 2.0
_ROOM_BYTES = 1024**2

log = structlog.get_logger()


class Pulse:
    """The last trial and what it found. Any thread may ask."""

    def __init__(self, database: Database, data: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._data = data
        self._clock = clock
        self._lock = threading.Lock()
        self._tried_at = -_HOLDS_SECONDS
        self._trouble = ""

    def trouble(self) -> str:
        """Why nothing can be kept, `""` if it can."""
        with self._lock:
            if self._clock() - self._tried_at >= _HOLDS_SECONDS:
                found = self._try()
                if found and not self._trouble:
                    log.error("deliveries are refused: can't keep them", error=found)
                if self._trouble and not found:
                    log.info("deliveries can be kept again")
                self._trouble, self._tried_at = found, self._clock()
            return self._trouble

    def _try(self) -> str:
        try:
            with self._database.write(patience_seconds=_PATIENCE_SECONDS):
                pass
        except Unavailable as error:
            return str(error)
        try:
            with tempfile.TemporaryFile(dir=self._data) as file:
                os.posix_fallocate(file.fileno(), 0, _ROOM_BYTES)
        except OSError as error:
            return f"can't write in {self._data}: {error.strerror}"
        return ""
