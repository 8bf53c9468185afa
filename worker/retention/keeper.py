"""The keeper: a thread of the server that removes what is not kept any more, every ten minutes, and sweeps daily."""

import time
from dataclasses import asdict

import structlog

from worker.retention.orphans import sweep
from worker.retention.policy import Policy
from worker.retention.removal import Retention
from worker.rounds import Rounds
from worker.storage import Storage
from worker.store.database import Database

_FIRST_SECONDS = 60.0
_EVERY_SECONDS = 600.0
_SWEEP_EVERY_SECONDS = 86400.0
_PAUSE_SECONDS = 0.05  # between steps: whoever waits to write gets in

log = structlog.get_logger()


class Keeper:
    """Removes, in `thread`, after a minute at first: a server that starts has better to do."""

    def __init__(
        self, database: Database, storage: Storage, default: Policy, *, first_seconds: float = _FIRST_SECONDS
    ) -> None:
        self._database = database
        self._storage = storage
        self._retention = Retention(database, storage, default, pause=self._pause)
        self._next_sweep = 0.0
        self.thread = Rounds(
            "keeper",
            self._remove,
            waits="what is not kept any more stays for now",
            first_seconds=first_seconds,
            retry_seconds=_EVERY_SECONDS,
        )

    def _remove(self) -> float:
        for removed in self._retention.remove():
            log.info("removed what is not kept any more", **asdict(removed))
        if time.monotonic() >= self._next_sweep:
            self._next_sweep = time.monotonic() + _SWEEP_EVERY_SECONDS
            count = sweep(self._database, self._storage, pause=self._pause)
            if count:
                log.info("removed files that no run has", count=count)
        return _EVERY_SECONDS

    def _pause(self) -> bool:
        return self.thread.pause(_PAUSE_SECONDS)
