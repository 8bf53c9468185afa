"""The workspace: a volume that is read back as a tar stream, through a container that mounts it."""

import io
import posixpath
import tarfile
from collections.abc import Iterator
from typing import IO, cast

from runner.backend import WorkspaceFile
from runner.engine.client import Engine, EngineRefusal
from runner.engine.tarchunks import ChunkFile
from runner.results.collection import glob_matches, static_directories


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
