"""The same tree as the streams', written by git into a directory of this machine: as quickly as a clone, and safely.

DESIGN. Git checks a commit out into a directory that nobody else writes to and that had no files, so no link that came
with the commit is ever written through: `listing` refuses a name that is a link and a directory. No filter is defined
(see `archive`), nothing of the user's configuration is read, and git runs in the mirror, with the directory for its
work tree. The `.git` is made beside the files, in a directory whose name nobody could have known, because files of a
commit can pass for a repository; it is moved to its place when it is whole.
What a stream would make is made: everybody may write, and files have the time of their commit, which the index knows.
"""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from runner.errors import SourceError
from runner.source.clonesettings import CloneSettings
from runner.source.fetch import PATIENCE
from runner.source.gitcommand import WITHOUT_USER_CONFIGURATION, GitFailure, git
from runner.source.index import commit_time
from runner.source.lfs import LargeFile, large_files, place_of
from runner.source.listing import Entry
from runner.source.mirror import Mirror
from runner.source.mirrors import noting_damage
from runner.source.part import Part, parts_of
from runner.source.partgit import git_directory, new_index
from runner.stop import Stop

_MOST_WORKERS = 8
_LATEST = 2**33 - 1  # seconds since 1970: what a tar stream's field takes, too
_CHUNK_BYTES = 1 << 20


def write_commit(mirror: Mirror, settings: CloneSettings, directory: Path, stop: Stop) -> None:
    """Write the checkout of the mirror's commit into a directory that holds at most directories.

    Raises SourceError, also if stopped, and OSError.
    """
    for part in parts_of(mirror, settings):
        with noting_damage(part.mirror):
            _write(part, settings, directory / part.below, stop)


def _write(part: Part, settings: CloneSettings, place: Path, stop: Stop) -> None:
    mirror = part.mirror
    with tempfile.TemporaryDirectory(prefix=".headrace-", dir=place) as name, ThreadPoolExecutor(1) as aside:
        staging = Path(name)
        index = new_index(part, staging)
        large = large_files(mirror, mirror.entries, index) if settings.lfs else ()
        made = aside.submit(git_directory, part, index, settings)
        with _telling_of_a_full_disk(place, mirror.entries):
            _write_files(mirror, place, staging / "written", stop)
        _set_times(place, mirror.entries, commit_time(mirror.directory, mirror.event.sha))
        for file in large:
            _write_large(mirror, file, place, stop)
        _move(made.result() / ".git", place / ".git")


def _write_files(mirror: Mirror, place: Path, index: Path, stop: Stop) -> None:
    """Have git write the commit's files, with an index of its own, which nobody needs afterwards."""
    within = {"GIT_DIR": str(mirror.directory), "GIT_WORK_TREE": str(place), "GIT_INDEX_FILE": str(index)}
    git(
        mirror.directory,
        "-c", f"checkout.workers={min(os.cpu_count() or 1, _MOST_WORKERS)}",
        "read-tree", "--reset", "-u", "-v", mirror.event.sha,
        environment={**WITHOUT_USER_CONFIGURATION, **within},
        timeout=PATIENCE,
        stop=stop,
        umask=0,
    )  # fmt: skip


@contextmanager
def _telling_of_a_full_disk(place: Path, entries: tuple[Entry, ...]) -> Iterator[None]:
    """Within the block, git's failure to write has the reason that git leaves out. Raises SourceError.

    Git takes the file away that it could not write to its end. So a disk counts as full that has less room than all of
    the files take.
    """
    try:
        yield
    except GitFailure as failure:
        wanted = sum(entry.size_bytes for entry in entries)
        if "unable to write file" in failure.said and shutil.disk_usage(place).free < wanted:
            raise SourceError(f"{failure}: no space left on the disk of the engine's volumes") from failure
        raise


def _set_times(place: Path, entries: tuple[Entry, ...], committed: int) -> None:
    """Give the files the time of their commit, and the directories that they are in."""
    top, seconds = os.fsencode(place), min(max(committed, 0), _LATEST)
    for path in chain((entry.path for entry in entries), _directories(entries)):
        os.utime(b"%s/%s" % (top, path), (seconds, seconds), follow_symlinks=False)


def _directories(entries: tuple[Entry, ...]) -> Iterator[bytes]:
    seen: set[bytes] = set()
    for entry in entries:
        directory = entry.path.rpartition(b"/")[0]
        while directory and directory not in seen:
            seen.add(directory)
            yield directory
            directory = directory.rpartition(b"/")[0]


def _write_large(mirror: Mirror, file: LargeFile, place: Path, stop: Stop) -> None:
    """Put a large file in the place of its pointer."""
    path = os.path.join(os.fsencode(place), file.path)  # noqa: PTH118 - a path of bytes
    os.unlink(path)  # noqa: PTH108 - the same
    new = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC)
    with place_of(mirror, file).open("rb") as source, open(new, "wb") as target:  # noqa: PTH123 - a descriptor
        while chunk := source.read(_CHUNK_BYTES):
            if stop.requested:
                raise SourceError(f"stopped while large files were written: {stop.reason}")
            target.write(chunk)
        os.fchmod(new, 0o777 if file.is_executable else 0o666)
        seconds = int(os.fstat(source.fileno()).st_mtime)
        target.flush()
        os.utime(new, (seconds, seconds))


def _move(made: Path, place: Path) -> None:
    """Put a `.git` that is whole in its place, writable by all, into a directory there if there is one."""
    for directory, _, names in os.walk(made):
        Path(directory).chmod(0o777)
        for name in names:
            path = Path(directory) / name
            path.chmod(0o777 if path.stat().st_mode & stat.S_IXUSR else 0o666)
    if place.exists():
        shutil.copytree(made, place, dirs_exist_ok=True)
    else:
        made.rename(place)
