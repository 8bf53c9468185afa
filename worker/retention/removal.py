"""Removal: deletes runs, logs, artifacts and deliveries that a policy keeps no longer, a few at a time.

DESIGN. Each step is one short transaction, and others get their turn before the next. The database lets go first, the
files follow: whoever asks in between is told that they are gone. If we are killed in between, the sweep finds them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog
from sqlalchemy import delete, update

from worker.retention import choice
from worker.retention.policy import Policy
from worker.storage import Files, Storage
from worker.store import repositories
from worker.store.database import Database
from worker.store.deliveries import forget_contents
from worker.store.repositories import StoredRepository
from worker.store.retained import note_removals, policy_of
from worker.store.tables import runs

_STEP = 50

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Removed:
    """How much has gone of a repository, or would go."""

    repository: str
    runs: int = 0
    logs: int = 0
    artifacts: int = 0
    deliveries: int = 0

    @property
    def is_nothing(self) -> bool:
        """True if there is nothing to tell."""
        return not (self.runs or self.logs or self.artifacts or self.deliveries)


def policies(database: Database, default: Policy) -> list[tuple[StoredRepository, Policy]]:
    """Every repository with what counts for it."""
    with database.read() as connection:
        return [(each, policy_of(connection, each.id).over(default)) for each in repositories.every(connection)]


class Retention:
    """Removes what has to go of one server. `pause` is called between steps; it gives True if it is to end."""

    def __init__(self, database: Database, storage: Storage, default: Policy, *, pause: Callable[[], bool]) -> None:
        self._database = database
        self._storage = storage
        self._default = default
        self._pause = pause

    def remove(self) -> list[Removed]:
        """All that has to go now, of every repository. Raises Unavailable if the database doesn't answer."""
        found = [self._remove_of(repository, policy) for repository, policy in policies(self._database, self._default)]
        return [removed for removed in found if not removed.is_nothing]

    def _remove_of(self, repository: StoredRepository, policy: Policy) -> Removed:
        removed = Removed(repository=repository.full_name)
        removed.runs = self._repeat(lambda: self._remove_runs(repository.id, policy))
        if policy.files_bytes:
            self._repeat(lambda: self._measure(repository.id))
        removed.logs = self._repeat(lambda: self._remove_files(repository.id, policy, Files.LOGS))
        removed.artifacts = self._repeat(lambda: self._remove_files(repository.id, policy, Files.ARTIFACTS))
        removed.deliveries = self._repeat(lambda: self._remove_deliveries(repository.id, policy))
        return removed

    def _repeat(self, step: Callable[[], int]) -> int:
        """Take steps until one finds less than it could have taken; gives how much they took in all."""
        total = 0
        while True:
            taken = step()
            total += taken
            if taken < _STEP or self._pause():
                return total

    def _remove_runs(self, repository_id: int, policy: Policy) -> int:
        with self._database.write() as connection:
            going = choice.runs_to_go(connection, repository_id, policy, limit=_STEP)
            connection.execute(delete(runs).where(runs.c.id.in_(list(going))))
        self._forget(going)
        return len(going)

    def _remove_files(self, repository_id: int, policy: Policy, files: Files) -> int:
        with self._database.write() as connection:
            going = choice.files_to_go(connection, repository_id, policy, files, limit=_STEP)
            note_removals(connection, files, going)
        self._forget(going, files)
        return len(going)

    def _remove_deliveries(self, repository_id: int, policy: Policy) -> int:
        with self._database.write() as connection:
            going = choice.deliveries_to_go(connection, repository_id, policy, limit=_STEP)
            forget_contents(connection, going)
        return len(going)

    def _measure(self, repository_id: int) -> int:
        with self._database.read() as connection:
            unknown = choice.unmeasured(connection, repository_id, limit=_STEP)
        sizes = {run_id: self._storage.size_bytes(run_id) for run_id in unknown}
        with self._database.write() as connection:
            for run_id, size_bytes in sizes.items():
                connection.execute(update(runs).where(runs.c.id == run_id).values(size_bytes=size_bytes))
        return len(unknown)

    def _forget(self, run_ids: Iterable[str], files: Files | None = None) -> None:
        """What can't be removed now is left to the sweep."""
        for run_id in run_ids:
            try:
                self._storage.forget(run_id, files)
            except OSError as error:
                log.warning("files can't be removed yet", run=run_id, error=str(error))


def would_remove(database: Database, default: Policy) -> list[Removed]:
    """What `Retention.remove` would do now."""
    found = [_would_remove(database, *each) for each in policies(database, default)]
    return [removed for removed in found if not removed.is_nothing]


def _would_remove(database: Database, repository: StoredRepository, policy: Policy) -> Removed:
    everything = repository.last_number + 1
    with database.read() as connection:
        going = choice.runs_to_go(connection, repository.id, policy, limit=everything)
        logs, artifacts = (
            choice.files_to_go(connection, repository.id, policy, files, limit=everything).keys() - going.keys()
            for files in Files
        )
        old = choice.deliveries_to_go(connection, repository.id, policy, limit=2**31 - 1)
    return Removed(
        repository=repository.full_name,
        runs=len(going),
        logs=len(logs),
        artifacts=len(artifacts),
        deliveries=len(old),
    )
