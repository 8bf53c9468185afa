"""Calls about the files in a container, as tar streams."""

import json
from base64 import b64decode
from collections.abc import Generator, Iterable

from runner.engine.connection import Connection

_CHUNK_BYTES = 2 * 1024**2


def put_archive(engine: Connection, container: str, path: str, tar: Iterable[bytes]) -> None:
    """Unpack a tar stream in a directory of the container. What the stream raises comes through."""
    with engine.call(f"unpack files in {path}") as client:
        client.put_archive(container, path, iter(tar))


def get_archive(engine: Connection, container: str, path: str) -> Generator[bytes]:
    """A file or directory as a tar stream whose names begin with its last part. Raises EngineRefusal, 404."""
    with engine.answer(f"read {path}", "GET", f"/containers/{container}/archive", params={"path": path}) as answer:
        yield from answer.iter_content(_CHUNK_BYTES)


def is_symbolic_link(engine: Connection, container: str, path: str) -> bool:
    """True if this path is a symbolic link. Raises EngineRefusal, 404, if there is nothing."""
    with engine.answer(f"look at {path}", "HEAD", f"/containers/{container}/archive", params={"path": path}) as answer:
        stat = answer.headers["X-Docker-Container-Path-Stat"]
    return bool(json.loads(b64decode(stat))["linkTarget"])
