"""Rotation: a new key takes over from the old ones, while everything goes on.

DESIGN. First the key file holds the new key before the old: from then on all is sealed with the new one and what was
sealed before still opens. Then, in one transaction, all that is in the database is sealed anew; whoever was writing
meanwhile is done before it or comes after it. An old key goes once nothing can need it any more, which besides the
database are the orders of tasks that wait in Redis since before. Whatever breaks off in between, nothing is lost: both
keys are in the file, and the next rotation goes on from there. Two rotations at once wait for each other.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from worker.errors import SettingsError
from worker.secrets.keyfile import KeyFile
from worker.secrets.sealing import Key, Keyring, Keys
from worker.store import tasks as task_store
from worker.store.database import Database
from worker.store.sealed import seal_anew
from worker.store.tasks import TaskState


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """What came of it: the id of the key that seals now, how many values it took over, and what is in the way.

    `old_keys` are still in the file, because of `waiting` tasks that were given out before.
    """

    key: str
    sealed: int
    old_keys: int
    waiting: int


def rotate(database: Database, keys: Keys, *, makes_key: bool = True) -> Rotation:
    """Let a new key take over; without `makes_key` only finish what an earlier call began. Raises ServiceErrors."""
    if not isinstance(keys, KeyFile):
        return Rotation(key=Keyring(keys).sealing_key().id, sealed=_seal(database, keys), old_keys=0, waiting=0)
    with _alone(keys):
        if makes_key:
            keys.replace([Key.fresh(), *keys.read()])
        sealed = _seal(database, keys)
        present, *old = keys.read()
        waiting = _waiting(database, keys) if old else 0
        if old and not waiting:
            keys.replace([present])
        return Rotation(key=present.id, sealed=sealed, old_keys=len(old) if waiting else 0, waiting=waiting)


def _seal(database: Database, keys: Keys) -> int:
    with database.write() as connection:
        return seal_anew(connection, Keyring(keys))


def _waiting(database: Database, keys: KeyFile) -> int:
    """How many tasks wait whose orders may be sealed with an old key: those from before the present one."""
    since = datetime.fromtimestamp(keys.path.stat().st_mtime, UTC)
    with database.read() as connection:
        queued = task_store.in_state(connection, TaskState.QUEUED)
    return sum(datetime.fromisoformat(task.created_at) <= since for task in queued)


@contextmanager
def _alone(keys: KeyFile) -> Iterator[None]:
    try:
        keys.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(keys.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise SettingsError(f"the key file {keys.path} can't be written: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
