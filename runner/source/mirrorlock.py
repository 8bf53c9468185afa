"""The lock of a mirror: one at a time makes it, fills it or puts it together.

DESIGN. The lock is the kernel's, on an open file, so it ends with whoever holds it, however that ends. A git that
writes to a mirror holds the same open file: where its worker is killed and it runs on, nobody else begins before it has
ended. So who has the lock knows that no git writes, and that what git calls a lock, a file beside what it writes, was
left by one that was killed and would be in the way for ever.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runner.filelock import take
from runner.source.tries import Tries

_LOOK_SECONDS = 0.05


@contextmanager
def lock_of(directory: Path, tries: Tries) -> Iterator[int]:
    """Wait for the lock of the mirror at `directory`, and hold it within the block. Raises SourceError if stopped.

    Gives its descriptor, for the git that writes to the mirror to hold, too. The file's time is when it was taken last.
    """
    is_held = False
    while not is_held:
        with _file(directory) as descriptor:
            while not take(descriptor):
                tries.stop.wait(_LOOK_SECONDS)
                tries.check()
            if is_held := _is_there(descriptor):
                os.utime(descriptor)
                yield descriptor


@contextmanager
def try_lock(directory: Path) -> Iterator[int | None]:
    """The same without waiting: None if somebody else has it."""
    with _file(directory) as descriptor:
        yield descriptor if take(descriptor) and _is_there(descriptor) else None


def remove_stale(directory: Path) -> None:
    """Remove what a killed git has left to keep others off. Only for who has the lock."""
    for pattern in ("*.lock", "refs/**/*.lock", "objects/**/*.lock"):
        for path in directory.glob(pattern):
            path.unlink(missing_ok=True)


def _is_there(descriptor: int) -> bool:
    """False for a lock that has gone with its mirror while it was waited for: the next comer has made another."""
    return os.fstat(descriptor).st_nlink > 0


@contextmanager
def _file(directory: Path) -> Iterator[int]:
    directory.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(directory.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
