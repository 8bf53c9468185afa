"""Listing: what is in a commit's tree, read once and within bounds before anything is done with it."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from runner.errors import SourceError
from runner.source.gitcommand import GitFailure, git_stream

LONGEST_PATH = 3800  # bytes: Linux takes 4,096 with the workspace's own path
MOST_FILES = 1_000_000
_GITLINK = b"160000"
_LINK = b"120000"


class Entry(NamedTuple):
    """A file, link or submodule of a commit. `object` is git's name for it, 0 the size of a submodule."""

    mode: bytes
    object: str
    size_bytes: int
    path: bytes

    @property
    def is_submodule(self) -> bool:
        """True if another repository belongs there."""
        return self.mode == _GITLINK

    @property
    def is_file(self) -> bool:
        """True for a regular file."""
        return self.mode not in (_GITLINK, _LINK)

    @property
    def is_executable(self) -> bool:
        """True for a file that its owner may execute."""
        return bool(int(self.mode, 8) & 0o100)


def listing(mirror: Path, commit: str) -> tuple[Entry, ...]:
    """All entries of a commit, in git's order. Raises SourceError for a tree that can't be unpacked safely.

    Such has too many files (a few small objects can stand for billions), too long a path, or a file and a directory of
    one name: one of the two could be a link, through which the other is written.
    """
    entries = tuple(islice(_entries(mirror, commit), MOST_FILES + 1))
    if len(entries) > MOST_FILES:
        raise SourceError(f"commit {commit[:12]} has more than {MOST_FILES:,} files: no more are taken")
    _check_paths([entry.path for entry in entries])
    return entries


def _entries(mirror: Path, commit: str) -> Iterator[Entry]:
    rest = b""
    for chunk in git_stream(mirror, "ls-tree", "-r", "-z", "--long", "--full-tree", commit):
        *lines, rest = (rest + chunk).split(b"\0")
        for line in lines:
            about, _, path = line.partition(b"\t")
            mode, _, name, size = about.split()
            if size == b"BAD":
                raise GitFailure("ls-tree", f"fatal: bad object {name.decode()}: it can't be read")
            yield Entry(mode, name.decode(), 0 if size == b"-" else int(size), path)


def _check_paths(paths: list[bytes]) -> None:
    files = set(paths)
    directories: set[bytes] = set()
    for path in paths:
        if len(path) > LONGEST_PATH:
            raise SourceError(f"the commit has a path of {len(path)} bytes: at most {LONGEST_PATH} are taken")
        directory = path.rpartition(b"/")[0]
        while directory and directory not in directories:
            directories.add(directory)
            directory = directory.rpartition(b"/")[0]
    if len(files) < len(paths) or files & directories:
        raise SourceError("the commit's tree is malformed: two of its entries have one name")
