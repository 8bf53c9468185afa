"""The keeper: a thread of the server that removes what is not kept any more, every ten minutes, and sweeps daily."""

import threading
import time
from dataclasses import asdict

import structlog

from worker.errors import Unavailable
from worker.retention.orphans import sweep
from worker.retention.policy import Policy
from worker.retention.removal import Retention
from worker.storage import Storage
from worker.store.database import Database

_FIRST_SECONDS = 60.0
_EVERY_SECONDS = 600.0
_SWEEP_EVERY_SECONDS = 86400.0
_PAUSE_SECONDS = 0.05  # between steps: whoever waits to write gets in

log = structlog.get_logger()


class Keeper:
    """The thread."""

    def __init__(
        self, database: Database, storage: Storage, default: Policy, *, first_seconds: float = _FIRST_SECONDS
    ) -> None:
        self._database = database
        self._storage = storage
        self._retention = Retention(database, storage, default, pause=self._pause)
        self._is_to_end = threading.Event()
        self._first_seconds = first_seconds
        self._next_sweep = 0.0
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def start(self) -> None:
        """Begin, after a minute: a server that starts has better to do."""
        self._thread.start()

    def stop(self) -> None:
        """End after the step that is being taken, and wait for the end."""
        self._is_to_end.set()
        self._thread.join()

    def is_alive(self) -> bool:
        """True while the thread runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        seconds = self._first_seconds
        while not self._is_to_end.wait(seconds):
            seconds = _EVERY_SECONDS
            try:
                self._turn()
            except Unavailable as error:
                log.warning("what is not kept any more stays for now", error=str(error))
            except Exception:
                log.exception("a turn of the keeper broke")  # the next one may not

    def _turn(self) -> None:
        for removed in self._retention.remove():
            log.info("removed what is not kept any more", **asdict(removed))
        if time.monotonic() >= self._next_sweep:
            self._next_sweep = time.monotonic() + _SWEEP_EVERY_SECONDS
            count = sweep(self._database, self._storage, pause=self._pause)
            if count:
                log.info("removed files that no run has", count=count)

    def _pause(self) -> bool:
        return self._is_to_end.wait(_PAUSE_SECONDS)
