"""Orphans: files of runs that the database doesn't know, or says are gone. A kill in the wrong moment leaves them.

DESIGN. A directory is made by a worker or the server after its run was committed, so one without a run is of a run that
was removed, or of one that is not in this database, which may be a backup of before. So only what has not been touched
for a day goes, and only what is named as runs are.
"""

import re
import time
from collections.abc import Callable, Sequence

import structlog
from sqlalchemy import Connection, select

from worker.storage import Files, Storage
from worker.store.database import Database
from worker.store.tables import removals, runs

_STEP = 200
_UNTOUCHED_SECONDS = 86400
_RUN_ID = re.compile(r"[0-9a-z]{26}")

log = structlog.get_logger()


def sweep(database: Database, storage: Storage, *, pause: Callable[[], bool]) -> int:
    """Remove all orphans, some at a time; gives how many there were. `pause` gives True if it is to end.

    Raises Unavailable if the database doesn't answer.
    """
    names = [name for name in storage.names() if _RUN_ID.fullmatch(name)]
    count = 0
    for first in range(0, len(names), _STEP):
        if first and pause():
            break
        count += _sweep(database, storage, names[first : first + _STEP])
    return count


def _sweep(database: Database, storage: Storage, names: Sequence[str]) -> int:
    with database.read() as connection:
        known = set(connection.execute(select(runs.c.id).where(runs.c.id.in_(names))).scalars())
        gone = _gone(connection, names)
    orphans = [(name, None) for name in names if name not in known and _is_untouched(storage, name)]
    count = 0
    for name, files in [*orphans, *gone]:
        try:
            count += storage.forget(name, files)
        except OSError as error:
            log.warning("orphaned files can't be removed", run=name, error=str(error))
    return count


def _gone(connection: Connection, names: Sequence[str]) -> list[tuple[str, Files]]:
    query = select(removals.c.run_id, removals.c.kind).where(removals.c.run_id.in_(names))
    return [(run_id, Files(kind)) for run_id, kind in connection.execute(query)]


def _is_untouched(storage: Storage, name: str) -> bool:
    return storage.touched_at(name) < time.time() - _UNTOUCHED_SECONDS
