"""Artifacts: the files that steps leave behind, in a store.

DESIGN. A file is written beside its place and renamed into it, then a line about it is added to `artifacts.jsonl`:
what that list names is whole. Paths come from a container and are not trusted: only plain relative ones are taken,
and nothing but regular files is ever made.
"""

import hashlib
import os
import tempfile
import threading
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO, Protocol, cast

import msgspec

from runner.backend import WorkspaceFile
from runner.errors import ArtifactError
from runner.names import file_name

DEFAULT_LIMIT_BYTES = 1024**3
_BLOCK_BYTES = 1024 * 1024
_LIST = "artifacts.jsonl"


class StoredArtifact(msgspec.Struct, frozen=True, kw_only=True):
    """One file in a store. `path` is relative to the workspace it came from, `sha256` in hex."""

    job: str
    step: str
    path: str
    size_bytes: int
    sha256: str


class ArtifactStore(Protocol):
    """Keeps the artifacts of one run. Any thread may call it."""

    def put(self, job: str, step: str, file: WorkspaceFile) -> StoredArtifact:
        """Keep a file; one of the same job, step and path is replaced. Raises ArtifactError and then keeps nothing."""

    def list(self) -> tuple[StoredArtifact, ...]:
        """All that is kept, in the order it came."""

    def open(self, artifact: StoredArtifact) -> BinaryIO:
        """The content of one of these. Raises ArtifactError if it is gone."""


class DirectoryArtifacts:
    """A store in a directory, as `job/step/path`. Files larger than `limit_bytes` are refused."""

    def __init__(self, root: Path, *, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> None:
        self._root = root
        self._limit_bytes = limit_bytes
        self._lock = threading.Lock()

    def put(self, job: str, step: str, file: WorkspaceFile) -> StoredArtifact:
        """Keep a file; one of the same job, step and path is replaced. Raises ArtifactError and then keeps nothing."""
        place = self._place(job, step, file.path)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            size_bytes, sha256 = self._write(file, place)
            artifact = StoredArtifact(job=job, step=step, path=file.path, size_bytes=size_bytes, sha256=sha256)
            self._add_to_list(artifact)
        except OSError as error:
            raise ArtifactError(f"artifact {file.path}: could not be stored: {error.strerror or error}") from error
        return artifact

    def list(self) -> tuple[StoredArtifact, ...]:
        """All that is kept, in the order it came."""
        try:
            lines = (self._root / _LIST).read_bytes().split(b"\n")
        except FileNotFoundError:
            return ()
        artifacts = [artifact for line in lines if (artifact := _read_line(line))]
        return tuple({(each.job, each.step, each.path): each for each in artifacts}.values())

    def open(self, artifact: StoredArtifact) -> BinaryIO:
        """The content of one of these. Raises ArtifactError if it is gone."""
        try:
            return self._place(artifact.job, artifact.step, artifact.path).open("rb")
        except OSError as error:
            raise ArtifactError(f"artifact {artifact.path}: can't be read: {error.strerror}") from error

    def list_again(self, other: "DirectoryArtifacts", jobs: Collection[str]) -> None:
        """List what another store lists of these jobs, whose files are here already. Raises OSError."""
        for artifact in other.list():
            if artifact.job in jobs:
                self._add_to_list(artifact)

    def _place(self, job: str, step: str, path: str) -> Path:
        parts = path.split("/")
        if not path or "\0" in path or any(part in ("", ".", "..") for part in parts):
            raise ArtifactError(f"artifact {path!r}: not a plain path below the workspace")
        return self._root.joinpath(file_name(job), file_name(step), *parts)

    def _write(self, file: WorkspaceFile, place: Path) -> tuple[int, str]:
        """Write the content beside its place and move it there. Gives its size and hash."""
        with tempfile.NamedTemporaryFile(dir=self._waiting_room(), delete=False) as copy:
            try:
                size_bytes, sha256 = self._copy(file, cast("BinaryIO", copy.file))
                copy.flush()
                Path(copy.name).chmod(0o644)
                Path(copy.name).rename(place)
            except BaseException:
                Path(copy.name).unlink(missing_ok=True)
                raise
        return size_bytes, sha256

    def _copy(self, file: WorkspaceFile, target: BinaryIO) -> tuple[int, str]:
        digest = hashlib.sha256()
        size_bytes = 0
        while block := file.content.read(_BLOCK_BYTES):
            size_bytes += len(block)
            if size_bytes > self._limit_bytes:
                raise ArtifactError(
                    f"artifact {file.path}: {file.size_bytes} bytes, and at most {self._limit_bytes} are kept"
                )
            digest.update(block)
            target.write(block)
        return size_bytes, digest.hexdigest()

    def _waiting_room(self) -> Path:
        # On the same file system as the places, and under a name that no encoded job has.
        room = self._root / ".incoming"
        room.mkdir(parents=True, exist_ok=True)
        return room

    def _add_to_list(self, artifact: StoredArtifact) -> None:
        # A newline on both sides: whatever a crash has torn before or tears after, this line stays whole.
        line = b"\n" + msgspec.json.encode(artifact) + b"\n"
        with self._lock:
            descriptor = os.open(self._root / _LIST, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                os.write(descriptor, line)
            finally:
                os.close(descriptor)


def _read_line(line: bytes) -> StoredArtifact | None:
    """The artifact that a line of the list is about; None for an empty or torn line."""
    try:
        return msgspec.json.decode(line, type=StoredArtifact)
    except msgspec.DecodeError:
        return None
