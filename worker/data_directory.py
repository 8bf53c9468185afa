"""The data directory: one service at a time works in it, and it tells one installation from another."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from runner.filelock import take
from worker.errors import Conflict, Unavailable

LOCK = "service.lock"


@contextmanager
def only_one_service(directory: Path) -> Iterator[None]:
    """Make the directory, for us alone, and hold it. Raises Conflict if another service does, else Unavailable."""
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable(f"can't keep data in {directory}: {error.strerror}; choose another with --data") from error
    try:
        if not take(descriptor) or not _is_at(descriptor, directory / LOCK):
            raise Conflict(f"another service works in {directory}: end it, or choose another with --data")
        yield
    finally:
        os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    """False if another file is there by now, or none: a restore that fails takes its lock away with it."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def installation(directory: Path) -> str:
    """What the installation with this data directory is known by: twelve digits, the same for all who share it.

    Raises Unavailable if it can't be kept there.
    """
    path, mine = directory / "installation", directory / f"installation.{secrets.token_hex(4)}"
    try:
        if not path.exists():
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            mine.write_text(f"{secrets.token_hex(6)}\n")
            with suppress(FileExistsError):  # another was quicker, and everyone takes that one's
                os.link(mine, path)
            mine.unlink()
        return path.read_text().strip()
    except OSError as error:
        raise Unavailable(f"can't keep data in {directory}: {error.strerror}; choose another with --data") from error
