"""The file that a backup is: a tar stream, compressed with zstd, of plain files only.

SECURITY. On the way in nothing of it is believed: only regular files with a plain path below the places that we know
are passed on, each by its name and its bytes, and none by tar's own unpacking. What is more than fits is for the reader
to refuse, before it is written.
"""

import io
import os
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import zstandard

from worker.backup.manifest import DATABASE, END, KEY, MANIFEST, RUNS
from worker.errors import Conflict, Malformed, Unavailable

_LEVEL = 3
_BLOCK_BYTES = 1024 * 1024
_LARGEST_WINDOW_BYTES = 64 * 1024 * 1024
_ROWS = rf"{DATABASE}/[a-z_]+/\d{{8}}"
_RUN = rf"{RUNS}/[0-9a-z]{{26}}/(?:[^/]+/)*[^/]+"
_OURS = re.compile(rf"{re.escape(MANIFEST)}|{re.escape(END)}|{re.escape(KEY)}|{_ROWS}|{_RUN}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a backup: `size_bytes` of `content`, which must be read before the next one comes."""

    name: str
    size_bytes: int
    content: BinaryIO

    def read(self, *, at_most: int) -> bytes:
        """All of it. Raises Malformed if that is more than `at_most` bytes."""
        if self.size_bytes > at_most:
            raise Malformed(f"{self.name} has {self.size_bytes} bytes, and no backup of ours has more than {at_most}")
        return self.content.read(self.size_bytes)


class Writer:
    """Adds files to a backup."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar

    def add_bytes(self, name: str, content: bytes) -> None:
        """Add a file of these bytes."""
        self._add(name, len(content), io.BytesIO(content))

    def add_file(self, name: str, path: Path) -> int | None:
        """Add a file as it is now, though it may grow meanwhile; gives its size, or None if there is no such file."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return None
        with open(descriptor, "rb") as file:  # noqa: PTH123 -- of a descriptor
            size_bytes = os.fstat(descriptor).st_size
            self._add(name, size_bytes, _Padded(file))
        return size_bytes

    def _add(self, name: str, size_bytes: int, content: "io.BytesIO | _Padded") -> None:
        entry = tarfile.TarInfo(name)
        entry.size = size_bytes
        entry.mode = 0o600
        self._tar.addfile(entry, content)  # type: ignore[arg-type]  # it only reads


@dataclass(slots=True)
class _Padded:
    """A file that never ends: one that is cut while we read it must not put the next one out of step."""

    file: BinaryIO

    def read(self, size: int) -> bytes:
        return self.file.read(size).ljust(size, b"\0")


@contextmanager
def writing(path: Path) -> Iterator[Writer]:
    """A new backup at `path`, for its owner's eyes alone: there whole after the block, or not at all.

    Raises Conflict if there is a file already, Unavailable if it can't be written.
    """
    if path.exists():
        raise Conflict(f"{path} is there already: choose another name, or remove it")
    part = path.with_name(f".{path.name}.part")
    try:
        with _new_file(part) as file:
            compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
            with (
                compressor.stream_writer(file, closefd=False) as stream,
                tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as tar,
            ):
                yield Writer(tar)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    except OSError as error:
        raise Unavailable(f"can't write the backup {path}: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "wb") as file:  # noqa: PTH123 -- of a descriptor
        yield file


def members(path: Path) -> Iterator[Member]:
    """The files of a backup, in their order. Raises Malformed if it is none, or holds what none of ours does."""
    try:
        with path.open("rb") as file:
            decompressor = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW_BYTES)
            with (
                decompressor.stream_reader(file, read_size=_BLOCK_BYTES) as stream,
                tarfile.open(fileobj=stream, mode="r|", errorlevel=2) as tar,
            ):
                for entry in tar:
                    yield _checked(path, tar, entry)
    except (tarfile.TarError, zstandard.ZstdError, EOFError) as error:
        raise Malformed(f"{path} is no backup of ours, or is damaged: {error}") from error
    except OSError as error:
        raise Unavailable(f"can't read {path}: {error.strerror or error}") from error


def _checked(path: Path, tar: tarfile.TarFile, entry: tarfile.TarInfo) -> Member:
    name = entry.name
    is_plain = _OURS.fullmatch(name) and not {".", ".."} & set(name.split("/")) and "\0" not in name
    content = tar.extractfile(entry) if entry.isreg() and not entry.issparse() else None
    if not is_plain or content is None:
        raise Malformed(f"{path} holds {name!r}, which no backup of ours does: nothing of it is taken")
    return Member(name, entry.size, content)  # type: ignore[arg-type]  # what it gives reads as a file does
