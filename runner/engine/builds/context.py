"""Context: what a build sees of the workspace, read back from the engine as the step would find it.

DESIGN. The stream that the engine gives is not passed on: members are written anew, and only files, directories and
links. Owner and time of a file don't count for what a context is known by (`digest`): the same files give the same
image, whoever checked them out. Symbolic links stay what they are, for the builder follows none out of its context.
The rest is bounded, because the tar waits on our disk until the builder has it.
"""

import hashlib
import io
import posixpath
import tarfile
import tempfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import IO, cast

from pipelines.details import Build
from runner.engine.builds.ignore import Ignore
from runner.engine.client import Engine, EngineRefusal
from runner.engine.tarchunks import ChunkFile
from runner.engine.workspace import is_inside
from runner.errors import ImageError
from runner.stop import Stop

LARGEST_BYTES = 2 * 1024**3
MOST_FILES = 200_000
_LARGEST_TEXT_BYTES = 1024**2


@dataclass(frozen=True, slots=True)
class Source:
    """Where a job's workspace is read: the container that mounts it, and its directory there."""

    engine: Engine
    container: str
    workspace: str

    def has(self, path: str) -> bool:
        """True if the workspace has such a file or directory, without a symbolic link on the way."""
        return is_inside(self.engine, self.container, self.workspace, path)

    def read(self, path: str) -> Generator[bytes]:
        """A file or directory as a tar stream. Raises EngineRefusal."""
        return self.engine.get_archive(self.container, posixpath.join(self.workspace, path).rstrip("/"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """A tar to build from, from its beginning, to be closed by whoever has it. `digest` tells its files apart."""

    tar: IO[bytes]
    digest: str
    dockerfile: str
    text: str
    files: int
    size_bytes: int

    def __str__(self) -> str:
        counted = "1 file" if self.files == 1 else f"{self.files} files"
        return f"{counted}, {self.size_bytes / 1_000_000:.1f} MB"


def read_context(source: Source, build: Build, stop: Stop) -> Context | None:
    """The context of a build; None if `stop` was requested meanwhile. Raises ImageError that names what is wrong."""
    directory = posixpath.normpath(build.context)
    directory = "" if directory == "." else directory
    dockerfile = posixpath.normpath(build.dockerfile or "Dockerfile")
    if not source.has(directory):
        raise ImageError(f"build {build.context}: no such directory in the workspace")
    with ExitStack() as unless_whole:
        tar = unless_whole.enter_context(tempfile.TemporaryFile())
        packer = _Packer(source, build, directory, dockerfile, tar)
        if not packer.pack(stop):
            return None
        context = packer.context()
        unless_whole.pop_all()
    return context


class _Packer:
    """Writes a context's tar, member by member."""

    def __init__(self, source: Source, build: Build, directory: str, dockerfile: str, tar: IO[bytes]) -> None:
        self._tar = tar
        self._source = source
        self._name = build.context
        self._directory = directory
        self._dockerfile = dockerfile
        self._ignore, rules = _ignore(source, directory, dockerfile)
        self._always = {dockerfile, rules}  # the builder needs them, and leaves them out itself where they are named
        self._digests: list[bytes] = []
        self._packed: set[str] = set()
        self._text: str | None = None
        self._size_bytes = 0

    def pack(self, stop: Stop) -> bool:
        """Write all that belongs to the context; False if stopped before."""
        with (
            tarfile.open(fileobj=self._tar, mode="w") as archive,
            closing(self._source.read(self._directory)) as stream,
        ):
            for member, content in _members(stream):
                if stop.requested:
                    return False
                if "/" not in member.name and not member.isdir():
                    raise ImageError(f"build {self._name}: is no directory")
                self._take(archive, member.name.partition("/")[2], member, content)
        return True

    def context(self) -> Context:
        """What was packed, to be read from its beginning."""
        self._tar.seek(0)
        if self._text is None:
            raise self._problem(f"has no file {self._dockerfile}")
        return Context(
            tar=self._tar,
            digest=hashlib.sha256(b"".join(sorted(self._digests))).hexdigest(),
            dockerfile=self._dockerfile,
            text=self._text,
            files=len(self._packed),
            size_bytes=self._size_bytes,
        )

    def _take(self, archive: tarfile.TarFile, path: str, member: tarfile.TarInfo, content: IO[bytes] | None) -> None:
        if not path or (path not in self._always and self._ignore.leaves_out(path)):
            return
        if member.islnk():
            self._take_hard_link(archive, path, member)
        elif member.isreg() or member.isdir() or member.issym():
            self._write(archive, path, member, content)

    def _take_hard_link(self, archive: tarfile.TarFile, path: str, member: tarfile.TarInfo) -> None:
        """A second name of a file that came earlier, or was left out: alone, it comes as a file."""
        alone = self._source.read(posixpath.join(self._directory, path))
        with closing(alone):
            for own, content in _members(alone):
                own.mode = member.mode
                self._write(archive, path, own, content)

    def _write(self, archive: tarfile.TarFile, path: str, member: tarfile.TarInfo, content: IO[bytes] | None) -> None:
        self._count(path, member.size if member.isreg() else 0)
        info = tarfile.TarInfo(path)
        info.type, info.mode, info.mtime, info.linkname = member.type, member.mode, member.mtime, member.linkname
        info.size = member.size if member.isreg() else 0
        digest = hashlib.sha256(
            f"{path}\0{info.type!r}\0{info.mode:o}\0{info.linkname}\0".encode(errors="surrogateescape")
        )
        if not member.isreg() or content is None:
            archive.addfile(info)
        elif path == self._dockerfile:
            data = self._noted(content, member.size)
            digest.update(data)
            archive.addfile(info, io.BytesIO(data))
        else:
            archive.addfile(info, cast("IO[bytes]", _Digested(content, digest)))
        self._digests.append(digest.digest())

    def _noted(self, content: IO[bytes], size_bytes: int) -> bytes:
        """The Dockerfile's bytes, its text noted."""
        if size_bytes > _LARGEST_TEXT_BYTES:
            raise self._problem(f"its {self._dockerfile} is larger than 1 MiB")
        data = content.read()
        self._text = data.decode("utf-8", "replace")
        return data

    def _count(self, path: str, size_bytes: int) -> None:
        self._packed.add(path)
        self._size_bytes += size_bytes
        if self._size_bytes > LARGEST_BYTES or len(self._packed) > MOST_FILES:
            most = f"{LARGEST_BYTES // 1024**3} GiB or {MOST_FILES:,} files"
            raise self._problem(f"has more than {most}: leave out what it doesn't need by a .dockerignore")

    def _problem(self, what: str) -> ImageError:
        return ImageError(f"build {self._name}: {what}")


class _Digested:
    """A file whose bytes are added to a digest as they are read."""

    def __init__(self, content: IO[bytes], digest: "hashlib._Hash") -> None:
        self._content = content
        self._digest = digest

    def read(self, size: int) -> bytes:
        """The next bytes."""
        data = self._content.read(size)
        self._digest.update(data)
        return data


def _ignore(source: Source, directory: str, dockerfile: str) -> tuple[Ignore, str]:
    """The rules for a context, and the file that has them: one beside the Dockerfile wins."""
    for path in (f"{dockerfile}.dockerignore", ".dockerignore"):
        text = _text(source, posixpath.join(directory, path))
        if text is not None:
            return Ignore(text), path
    return Ignore(), ".dockerignore"


def _text(source: Source, path: str) -> str | None:
    """A small file's text; None if there is no such file."""
    try:
        with closing(source.read(path)) as stream:
            for member, content in _members(stream):
                if not member.isreg() or content is None or member.size > _LARGEST_TEXT_BYTES:
                    return None
                return content.read().decode("utf-8", "replace")
    except EngineRefusal as refusal:
        if refusal.status != 404 and "not a directory" not in refusal.answer:
            raise
    return None


def _members(stream: Iterator[bytes]) -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
    with tarfile.open(fileobj=cast("IO[bytes]", ChunkFile(stream)), mode="r|") as archive:
        for member in archive:
            archive.members = []  # type: ignore[attr-defined] # a stream is read once: to remember a million members would be a leak
            yield member, archive.extractfile(member) if member.isreg() else None
