"""The index of a workspace's `.git`: it knows the files as they will lie there, so that git sees them as unchanged.

DESIGN. An index without times and sizes makes git read every file before it can say that nothing has changed, and
`git diff-index`, which doesn't look, take all of them for modified. Where the files are made in a stream there is
nothing to look at, but much is known: the time is the commit's, as `git archive` writes it, and the size that of the
object, if no attribute converts what is written. So both are put into the index that git has made. All else that git
compares (owner, inode, the time of the last change) depends on who unpacks, so the repository is told not to
(`INDEX_SETTINGS`).
The format is git's own version 2: a header, entries of 62 bytes and a name, padded to eight; a checksum at the end.
"""

import hashlib
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runner.source.gitcommand import WITHOUT_USER_CONFIGURATION, GitFailure, git
from runner.source.listing import Entry

INDEX_SETTINGS = (("core.checkStat", "minimal"), ("core.trustctime", "false"))
_HEADER = struct.Struct(">4sLL")
_NUMBER = struct.Struct(">L")
_FLAGS = struct.Struct(">H")
_VERSION = 2
_TIME_AT, _SIZE_AT, _STATUS_BYTES = 8, 36, 40
_LARGEST = 2**32 - 1
_CONVERTING = "crlf|ident|working-tree-encoding|filter"
_SHA256_DIGITS = 64


def fill_index(mirror: Path, commit: str, entries: tuple[Entry, ...], index: Path) -> None:
    """Fill a new index with a commit's entries. Raises SourceError for a path that git itself would never write.

    Such as `.git` and `..`, also as file systems that fold case or ignore characters see them.
    """
    with_index = {**WITHOUT_USER_CONFIGURATION, "GIT_INDEX_FILE": str(index)}
    git(mirror, "-c", f"index.version={_VERSION}", "read-tree", commit, environment=with_index)
    if not mentions(mirror, commit, entries, _CONVERTING):
        committed = commit_time(mirror, commit)
        _note_files(index, entries, committed, hashlib.sha256 if len(commit) == _SHA256_DIGITS else hashlib.sha1)


def commit_time(mirror: Path, commit: str) -> int:
    """When the commit was made, in seconds since 1970, as it says itself."""
    return int(git(mirror, "show", "--no-patch", "--format=%ct", commit, "--"))


def mentions(mirror: Path, commit: str, entries: tuple[Entry, ...], pattern: str) -> bool:
    """True if a `.gitattributes` of the commit has this extended regular expression in it."""
    if not any(entry.path.rpartition(b"/")[2] == b".gitattributes" for entry in entries):
        return False
    try:
        git(mirror, "grep", "--quiet", "-E", "-e", pattern, commit, "--", ":(glob)**/.gitattributes")
    except GitFailure as error:
        if error.said:
            raise
        return False
    return True


def _note_files(index: Path, entries: tuple[Entry, ...], committed: int, digest: Callable[..., Any]) -> None:
    """Put the time and the sizes into an index that has just these entries, in this order."""
    checksum_bytes: int = digest(usedforsecurity=False).digest_size
    data = bytearray(index.read_bytes())
    _, version, count = _HEADER.unpack_from(data)
    if version != _VERSION or count != len(entries) or not 0 < committed <= _LARGEST:
        return
    position = _HEADER.size
    for entry in entries:
        name_at = position + _STATUS_BYTES + checksum_bytes + _FLAGS.size
        if entry.size_bytes <= _LARGEST and not entry.is_submodule:
            _NUMBER.pack_into(data, position + _TIME_AT, committed)
            _NUMBER.pack_into(data, position + _SIZE_AT, entry.size_bytes)
        length = name_at + len(entry.path) - position
        position += length + 8 - length % 8
    data[-checksum_bytes:] = digest(data[:-checksum_bytes], usedforsecurity=False).digest()
    index.write_bytes(data)
