"""A directory's files as a tar stream, made while it is read, so that no tree is ever held twice.

Owners are left out and everyone may write: a step's image may run as any user. Only the executable bit is kept.
"""

import os
import stat
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

_CHUNK = 1 << 18
END = bytes(2 * tarfile.BLOCKSIZE)
"""What marks the end of a tar stream."""


def tar_stream(files: Iterable[tuple[str, Path]]) -> Iterator[bytes]:
    """Members for `(name in the archive, file)` pairs, each behind its directories; then the archive's end.

    Regular files and symbolic links only: what else a directory may hold is no source. A file that vanishes
    while the stream is made is left out, one that shrinks is padded with zeros.
    """
    yield from tar_members(files)
    yield END


def tar_members(files: Iterable[tuple[str, Path]]) -> Iterator[bytes]:
    """The same without the end, for another archive to follow."""
    made: set[str] = set()
    for name, path in files:
        for directory in _new_directories(name, made):
            yield directory_member(directory)
        yield from _member(name, path)


def every_file(root: Path, *, below: str = "") -> Iterator[tuple[str, Path]]:
    """All files below a directory, named relative to it behind the prefix `below`, sorted."""
    for directory, directories, names in os.walk(root):
        directories.sort()
        links = [name for name in directories if (Path(directory) / name).is_symlink()]
        for name in sorted(names + links):
            path = Path(directory) / name
            yield below + path.relative_to(root).as_posix(), path


def directory_member(name: str) -> bytes:
    """One directory."""
    return _header(tarfile.TarInfo(name), type=tarfile.DIRTYPE, mode=0o777)


def file_members(name: str, path: Path, *, is_executable: bool) -> Iterator[bytes]:
    """One regular file, without its directories. Raises OSError if it can't be read."""
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        info = tarfile.TarInfo(name)
        info.mtime, info.size = int(status.st_mtime), status.st_size
        yield _header(info, mode=0o777 if is_executable else 0o666)
        yield from _content(file, info.size)


def _member(name: str, path: Path) -> Iterator[bytes]:
    try:
        status = path.lstat()
        info = tarfile.TarInfo(name)
        info.mtime = int(status.st_mtime)
        if stat.S_ISLNK(status.st_mode):
            yield _header(info, type=tarfile.SYMTYPE, mode=0o777, linkname=str(path.readlink()))
        elif stat.S_ISREG(status.st_mode):
            yield from file_members(name, path, is_executable=bool(status.st_mode & stat.S_IXUSR))
    except FileNotFoundError:
        return


def _content(file: BinaryIO, size_bytes: int) -> Iterator[bytes]:
    left = size_bytes
    while left:
        chunk = file.read(min(_CHUNK, left)) or b"\0" * min(_CHUNK, left)
        left -= len(chunk)
        yield chunk
    padding = -size_bytes % tarfile.BLOCKSIZE
    if padding:
        yield b"\0" * padding


def _new_directories(name: str, made: set[str]) -> Iterator[str]:
    parts = name.split("/")[:-1]
    for length in range(1, len(parts) + 1):
        directory = "/".join(parts[:length])
        if directory not in made:
            made.add(directory)
            yield directory


def _header(info: tarfile.TarInfo, **values: object) -> bytes:
    for name, value in values.items():
        setattr(info, name, value)
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
