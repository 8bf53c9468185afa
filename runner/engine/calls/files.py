"""Calls about the files in a container, as tar streams."""

import json
import tarfile
from base64 import b64decode
from collections.abc import Generator, Iterable
from contextlib import closing
from typing import IO, cast

from runner.engine.connection import Connection
from runner.engine.tarchunks import ChunkFile

_CHUNK_BYTES = 2 * 1024**2
_GO_SYMBOLIC_LINK = 1 << 27


def put_archive(engine: Connection, container: str, path: str, tar: Iterable[bytes]) -> None:
    """Unpack a tar stream in a directory of the container. What the stream raises comes through."""
    with engine.call(f"unpack files in {path}") as client:
        client.put_archive(container, path, iter(tar))


def get_archive(engine: Connection, container: str, path: str) -> Generator[bytes]:
    """A file or directory as a tar stream whose names begin with its last part. Raises EngineRefusal, 404."""
    with engine.answer(f"read {path}", "GET", f"/containers/{container}/archive", params={"path": path}) as answer:
        yield from answer.iter_content(_CHUNK_BYTES)


def is_symbolic_link(engine: Connection, container: str, path: str) -> bool:
    """True if this path is a symbolic link. Raises EngineRefusal, 404, if there is nothing.

    Podman tells about what a link leads to, within the container. There a link shows only by the name of what comes.
    """
    with engine.answer(f"look at {path}", "HEAD", f"/containers/{container}/archive", params={"path": path}) as answer:
        stat = json.loads(b64decode(answer.headers["X-Docker-Container-Path-Stat"]))
    if stat["mode"] & _GO_SYMBOLIC_LINK or not stat["linkTarget"]:
        return bool(stat["linkTarget"])
    with closing(get_archive(engine, container, path)) as chunks:
        return _first_name(chunks) != path.rstrip("/").rpartition("/")[2]


def _first_name(chunks: Iterable[bytes]) -> str:
    """The name of a tar's first member. It is what was asked for, without the directories before."""
    with tarfile.open(fileobj=cast("IO[bytes]", ChunkFile(chunks)), mode="r|") as archive:
        first = archive.next()
        return first.name.partition("/")[0] if first else ""
