"""Scratch: directories for what lasts as long as one piece of work, also where that is killed.

DESIGN. Who makes one holds a lock on it, which ends with its process. What nobody holds was left by a process that was
killed, and is removed by whoever runs something here next. A directory that has only just appeared is let be: its maker
may be about to lock it. Others may write to the system's place for such things: what is not our own user's is not ours.
"""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runner.filelock import take

_PREFIX = "headrace-scratch-"
_NEW_SECONDS = 60


@contextmanager
def scratch_directory(purpose: str) -> Iterator[Path]:
    """A directory of our own within the block, that its name says the purpose of, and gone after it."""
    with tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{purpose}-") as name:
        descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield Path(name)
        finally:
            os.close(descriptor)


def sweep_scratch() -> int:
    """Remove what processes that were killed have left, and say how many directories that was."""
    return sum(_remove(path) for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"))


def _remove(path: Path) -> bool:
    """Remove a directory that is ours and nobody's any more; False if there is none such, or not all of it went."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        found = os.fstat(descriptor)
        if found.st_uid != os.geteuid() or time.time() - found.st_mtime < _NEW_SECONDS or not take(descriptor):
            return False
        shutil.rmtree(path, ignore_errors=True)
    finally:
        os.close(descriptor)
    return not path.exists()
