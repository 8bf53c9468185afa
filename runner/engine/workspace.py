"""The workspace: a volume that is filled from a tar stream and read back as one, through a container that mounts it."""

import io
import posixpath
import tarfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from itertools import chain
from typing import IO, TypeVar, cast

from runner.backend import Beside, Tree, WorkspaceFile
from runner.engine.client import Engine, EngineRefusal
from runner.engine.tarchunks import ChunkFile
from runner.errors import BackendError, SourceDamaged, SourceError
from runner.results.collection import glob_matches, static_directories
from runner.stop import Stop

T = TypeVar("T")

Spare = Callable[[], AbstractContextManager[str]]
"""Makes one more container with the workspace's volume, for as long as a block lasts."""


def fill(
    engine: Engine,
    container: str,
    *,
    base: str,
    workspace: str,
    tree: Tree,
    stop: Stop,
    spare: Spare,
    directories: tuple[str, ...] = (),
) -> None:
    """Make the workspace's directory below `base`, where the volume is mounted, and unpack the tree in it.

    `directories` are made, too, where they are below the base and the tree has nothing of that name. Every user may
    write there, because the images of steps run as any. The tree's first bytes take git a while, so they are asked for
    meanwhile. A stream beside the tree's is unpacked at the same time, through a `spare` container: an engine unpacks
    one at a time in each. A tree that breaks off because our copy of it is damaged is begun once more, over what has
    come of it.
    Raises BackendError, also if stopped, and SourceError.
    """
    wanted = (posixpath.normpath(directory) for directory in directories)
    inside = [directory for directory in wanted if directory.startswith(f"{base.rstrip('/')}/")]
    chunks = _watched(tree, stop)
    unpack = partial(_unpack, engine, container, workspace, spare=spare, stop=stop)
    with ThreadPoolExecutor(1, thread_name_prefix="headrace-tree") as pool:
        first = pool.submit(next, chunks, b"")
        # At the base: Podman follows no mount below the path.
        engine.put_archive(container, base, [_directories(base, [workspace, *inside])])
    try:
        unpack(chain([first.result()], chunks))
    except SourceDamaged:
        unpack(_watched(tree, stop))


def _unpack(
    engine: Engine, container: str, workspace: str, stream: Iterator[bytes | Beside], *, spare: Spare, stop: Stop
) -> None:
    with ThreadPoolExecutor(thread_name_prefix="headrace-beside") as pool:
        others: list[Future[None]] = []

        def chunks() -> Iterator[bytes]:
            for chunk in stream:
                if isinstance(chunk, Beside):
                    others.append(pool.submit(_unpack_beside, engine, workspace, chunk, spare, stop))
                else:
                    _raise_failed(others)
                    yield chunk

        engine.put_archive(container, workspace, chunks())
        for other in others:
            other.result()


def _unpack_beside(engine: Engine, workspace: str, beside: Beside, spare: Spare, stop: Stop) -> None:
    with spare() as container:
        engine.put_archive(container, workspace, _watched(beside.chunks, stop))


def _raise_failed(others: list[Future[None]]) -> None:
    """Raise what one of those that have ended has raised."""
    for other in others:
        if other.done():
            other.result()


def in_files(base: str, path: str, mounted_at: str) -> str:
    """Where a path is in a container that has the volume, `base` to a step, somewhere else."""
    return posixpath.normpath(posixpath.join(mounted_at, posixpath.relpath(path, base)))


def collect(engine: Engine, container: str, *, workspace: str, patterns: tuple[str, ...]) -> Iterator[WorkspaceFile]:
    """The regular files of the workspace that match any of the globs, in order of their path.

    Only the directories that the globs name are read. Symbolic links and devices are left out and never followed.
    """
    for directory in static_directories(patterns):
        if is_inside(engine, container, workspace, directory):
            for file in _files(engine, container, workspace, directory):
                if any(glob_matches(pattern, file.path) for pattern in patterns):
                    yield file


def _directories(base: str, directories: list[str]) -> bytes:
    """A tar with each directory from `base`, itself included, to these, open to all."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for directory in dict.fromkeys(path for each in directories for path in _from_base(base, each)):
            info = tarfile.TarInfo(directory)
            info.type, info.mode = tarfile.DIRTYPE, 0o777
            archive.addfile(info)
    return buffer.getvalue()


def _from_base(base: str, workspace: str) -> Iterator[str]:
    yield "."
    parts = posixpath.relpath(workspace, base).split("/")
    for length in range(1, len(parts) + 1):
        if parts != ["."]:
            yield "/".join(parts[:length])


def _watched(stream: Callable[[], Iterator[T]], stop: Stop) -> Iterator[T]:
    """A tree's chunks; a stop ends them. Raises SourceError where a file can't be read."""
    try:
        for chunk in stream():
            if stop.requested:
                raise BackendError("stopped while the workspace was filled")
            yield chunk
    except OSError as error:
        raise SourceError(f"{error.filename or 'the source'} can't be read: {error.strerror or error}") from error


def is_inside(engine: Engine, container: str, workspace: str, directory: str) -> bool:
    """True if there is such a file or directory and no part of its path is a symbolic link, which may lead anywhere."""
    parts = directory.split("/") if directory else []
    try:
        return not any(
            engine.is_symbolic_link(container, "/".join([workspace, *parts[:length]]))
            for length in range(1, len(parts) + 1)
        )
    except EngineRefusal as refusal:
        if refusal.status == 404:
            return False
        raise


def _files(engine: Engine, container: str, workspace: str, directory: str) -> Iterator[WorkspaceFile]:
    """All regular files at or below a path of the workspace."""
    top = posixpath.join(workspace, directory).rstrip("/")
    chunks = engine.get_archive(container, top)
    with tarfile.open(fileobj=cast("IO[bytes]", ChunkFile(chunks)), mode="r|") as archive:
        for member in archive:
            archive.members = []  # type: ignore[attr-defined] # a stream is read once: to remember a million members would be a leak
            path = _relative(member.name, directory)
            if member.isreg() and (content := archive.extractfile(member)):
                yield WorkspaceFile(path=path, size_bytes=member.size, content=cast("io.BufferedReader", content))
            elif member.islnk():
                # A second name of a file that came earlier in this stream: alone, it comes as a file.
                yield from _files(engine, container, workspace, path)


def _relative(name: str, directory: str) -> str:
    """A member's path in the workspace. Its name begins with the last part of what was asked for."""
    below = name.partition("/")[2]
    return posixpath.join(directory, below).rstrip("/")
