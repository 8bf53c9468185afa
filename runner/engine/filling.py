"""Filling: how a job's workspace gets its directories and its tree, before any step runs.

DESIGN. What works with every engine is a tar stream, unpacked through a container that mounts the workspace's volume.
Where the volume is a directory that we can write to, a tree with a Writer is written there instead, which spares four
copies of every byte. No program of the job's authors runs before the workspace is filled: services and steps are
started after it, and those made ready meanwhile are held at their gates.
"""

import io
import posixpath
import tarfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TypeVar

from runner.backend import Beside, Piece, Tree, Writer
from runner.engine.client import Engine
from runner.errors import BackendError, SourceDamaged, SourceError
from runner.stop import Stop

T = TypeVar("T")

Spare = Callable[[], AbstractContextManager[str]]
"""Makes one more container with the workspace's volume, for as long as a block lasts."""

Here = Callable[[], Path | None]
"""Where the volume is a directory that we can write to, if it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A volume that is to be filled: through the `container` that has it mounted at `base`, or where it lies `here`.

    `spare` makes one more such container: an engine unpacks one stream at a time in each.
    """

    engine: Engine
    container: str
    base: str
    spare: Spare
    here: Here


def fill(volume: Volume, *, workspace: str, tree: Tree, stop: Stop, directories: tuple[str, ...] = ()) -> None:
    """Make the workspace's directory in the volume, and put the tree in it.

    `directories` are made, too, where they are in the volume and the tree has nothing of that name. Every user may
    write there, because the images of steps run as any. The tree's first bytes take git a while, so they are asked for
    meanwhile. A tree that breaks off because our copy of it is damaged is begun once more, as a stream, over what has
    come of it.
    Raises BackendError, also if stopped, and SourceError.
    """
    pieces = _watched(tree, stop)
    with ThreadPoolExecutor(1, thread_name_prefix="headrace-tree") as pool:
        first = pool.submit(next, pieces, b"")
        home = _make_directories(volume, workspace, directories)
    try:
        _put(volume, workspace, chain([first.result()], pieces), stop, home)
    except SourceDamaged:
        _unpack(volume, workspace, _watched(tree, stop), stop)


def _make_directories(volume: Volume, workspace: str, directories: tuple[str, ...]) -> Path | None:
    """Make the workspace's, and those others that are in the volume, open to all. Gives where the volume is here.

    A workspace that isn't in the volume (`path: ../..`) is nowhere here: its name would lead out of the volume.
    """
    inside = [path for path in map(posixpath.normpath, directories) if _is_inside(path, volume.base)]
    below = list(dict.fromkeys(path for each in (workspace, *inside) for path in _from_base(volume.base, each)))
    home = volume.here() if _is_inside(posixpath.normpath(workspace), volume.base) else None
    if home is None:  # at the base: Podman follows no mount below the path
        volume.engine.put_archive(volume.container, volume.base, [_archive_of(below)])
    else:
        _make(home, below)
    return home


def _put(volume: Volume, workspace: str, pieces: Iterator[Piece], stop: Stop, home: Path | None) -> None:
    first = next(pieces)
    if home and isinstance(first, Writer):
        _write(first, home / posixpath.relpath(workspace, volume.base), stop)
    else:
        _unpack(volume, workspace, chain([first], pieces), stop)


def _write(writer: Writer, directory: Path, stop: Stop) -> None:
    with _readable():
        try:
            writer.write(directory, stop)
        except SourceError as error:
            if stop.requested:
                raise _stopped() from error
            raise


def _unpack(volume: Volume, workspace: str, pieces: Iterator[Piece], stop: Stop) -> None:
    with ThreadPoolExecutor(thread_name_prefix="headrace-beside") as pool:
        others: list[Future[None]] = []

        def chunks() -> Iterator[bytes]:
            for piece in pieces:
                if isinstance(piece, Beside):
                    others.append(pool.submit(_unpack_beside, volume, workspace, piece, stop))
                elif not isinstance(piece, Writer):
                    _raise_failed(others)
                    yield piece

        volume.engine.put_archive(volume.container, workspace, chunks())
        for other in others:
            other.result()


def _unpack_beside(volume: Volume, workspace: str, beside: Beside, stop: Stop) -> None:
    with volume.spare() as container:
        volume.engine.put_archive(container, workspace, _watched(beside.chunks, stop))


def _raise_failed(others: list[Future[None]]) -> None:
    """Raise what one of those that have ended has raised."""
    for other in others:
        if other.done():
            other.result()


def _is_inside(path: str, base: str) -> bool:
    return path == base or path.startswith(f"{base.rstrip('/')}/")


def _from_base(base: str, directory: str) -> Iterator[str]:
    """Each directory from the base, itself included, to this one."""
    yield "."
    parts = posixpath.relpath(directory, base).split("/")
    for length in range(1, len(parts) + 1):
        if parts != ["."]:
            yield "/".join(parts[:length])


def _make(home: Path, below: list[str]) -> None:
    """Make these directories, open to all. There are no files yet, so no link leads anywhere."""
    with _readable():
        for path in below:
            directory = home / path
            directory.mkdir(exist_ok=True)
            directory.chmod(0o777)


def _archive_of(below: list[str]) -> bytes:
    """A tar with these directories, open to all."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for directory in below:
            info = tarfile.TarInfo(directory)
            info.type, info.mode = tarfile.DIRTYPE, 0o777
            archive.addfile(info)
    return buffer.getvalue()


def _watched(stream: Callable[[], Iterator[T]], stop: Stop) -> Iterator[T]:
    """A tree's chunks; a stop ends them. Raises SourceError where a file can't be read."""
    with _readable():
        for chunk in stream():
            if stop.requested:
                raise _stopped()
            yield chunk


def _stopped() -> BackendError:
    return BackendError("stopped while the workspace was filled")


@contextmanager
def _readable() -> Iterator[None]:
    """Within the block, what the system says of a file of this machine raises SourceError."""
    try:
        yield
    except OSError as error:
        name = error.filename or "the source"
        raise SourceError(f"{name} can't be read or written: {error.strerror or error}") from error
