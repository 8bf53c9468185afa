"""Disuse: mirrors that nobody has asked for in a while are removed; who wants one again fetches it anew.

DESIGN. A mirror's lock says when it was last wanted: whoever takes it notes the time. It is removed under that lock,
which goes with it, so that no fetch is under way meanwhile and the next one begins with a lock and a mirror of its own.
Readers hold no lock, and are the reason why what was wanted lately stays.
"""

import os
import shutil
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from runner.source.mirrorlock import try_lock


def remove_unused(root: Path, unused: timedelta) -> int:
    """Remove the mirrors below `root` that nobody has wanted for so long. Gives how many there were."""
    before = time.time() - unused.total_seconds()
    return sum(_removed(directory, before) for directory in list(_wanted_once(root)))


def _wanted_once(root: Path) -> Iterator[Path]:
    """Each place that has a mirror's lock: those of the machine's own name, and below a directory for each other."""
    for lock in (*root.glob("*.lock"), *root.glob("*/*.lock")):
        if not lock.parent.with_suffix(".lock").exists():  # else what git calls a lock, within a mirror
            yield lock.with_suffix("")


def _removed(directory: Path, before: float) -> bool:
    with try_lock(directory) as lock:
        if lock is None or os.fstat(lock).st_mtime > before:
            return False
        for left in (directory, *(directory.with_name(f"{directory.name}.{what}") for what in ("making", "old"))):
            shutil.rmtree(left, ignore_errors=True)
        directory.with_suffix(".lock").unlink(missing_ok=True)
    return True
