"""Archives: a commit's files as tar members, straight from a bare repository and never on this machine's disk.

DESIGN. `git archive` converts line endings as a checkout does, but it leaves out and rewrites files where
`.gitattributes` says so, and checks no paths. The attributes are overruled by a file of ours in the repository, so it
must be a mirror; the paths have been checked when the index was filled. Filters and drivers that `.gitattributes` names
are defined nowhere, so none runs.
"""

import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from runner.errors import SourceError
from runner.source.gitcommand import git_stream

_ATTRIBUTES = "* -export-ignore -export-subst\n"
_BLOCK = tarfile.BLOCKSIZE
_END = bytes(_BLOCK)
_SIZE = slice(124, 136)
_MAGIC = slice(257, 262)


def archive(mirror: Path, commit: str, *, below: str = "") -> Iterator[bytes]:
    """The files of a commit behind the prefix `below`, everyone allowed to write; no archive's end. Raises SourceError.

    The caller has overruled the mirror's attributes and checked the paths.
    """
    return without_end(git_stream(mirror, "archive", "--format=tar", f"--prefix={below}", commit))


def overrule_attributes(mirror: Path) -> None:
    """Let nothing be left out of archives of this mirror. Nobody else may do so at the same time."""
    attributes = mirror / "info" / "attributes"
    if not attributes.exists() or attributes.read_text() != _ATTRIBUTES:
        attributes.parent.mkdir(exist_ok=True)
        attributes.write_text(_ATTRIBUTES)


def without_end(stream: Iterable[bytes]) -> Iterator[bytes]:
    """A tar stream without what marks its end, for others to follow. Raises SourceError where it makes no sense."""
    held, position = b"", 0
    chunks = iter(stream)
    for chunk in chunks:
        data = held + chunk if held else chunk
        while position + _BLOCK <= len(data):
            header = data[position : position + _BLOCK]
            if header == _END:
                yield data[:position]
                for _ in chunks:  # to its end, so that git's own is seen
                    pass
                return
            position += _BLOCK + _padded(_size_bytes(header))
        whole = min(position, len(data))
        yield data[:whole]
        held, position = data[whole:], position - whole


def _size_bytes(header: bytes) -> int:
    # git writes larger sizes than the field takes into a record of their own, which nothing here has wanted so far.
    if header[_MAGIC] != b"ustar":
        raise SourceError("the commit has a file of 8 GiB or more: no such are taken")
    return int(header[_SIZE].rstrip(b"\0 "), 8)


def _padded(size_bytes: int) -> int:
    return size_bytes + -size_bytes % _BLOCK
