"""Calls about images: looked up, imported, pulled."""

import json
import os
import socket
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, suppress
from typing import Any

from runner.engine.answers import Image
from runner.engine.connection import Connection
from runner.engine.refusals import EngineRefusal, EngineSilence
from runner.engine.troubles import is_silence
from runner.errors import BackendError
from runner.stop import Stop


def image(engine: Connection, name: str) -> Image | None:
    """The image of this name, tag or digest; None if it is not on the engine's machine."""
    try:
        with engine.call("look for an image") as client:
            found = client.inspect_image(name)  # type: ignore[no-untyped-call]
    except EngineRefusal as refusal:
        if refusal.status in (400, 404):  # 400: no image can have such a name
            return None
        raise
    config = found.get("Config") or {}
    return Image(
        id=found["Id"],
        digests=tuple(found.get("RepoDigests") or ()),
        architecture=found.get("Architecture") or "",
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        shell=tuple(config.get("Shell") or ("/bin/sh", "-c")),
        health=tuple((config.get("Healthcheck") or {}).get("Test") or ()),
    )


def has_image(engine: Connection, name: str) -> bool:
    """True if the image is on the engine's machine."""
    return image(engine, name) is not None


def import_image(engine: Connection, name: str, tag: str, tar: bytes, changes: Iterable[str] = ()) -> None:
    """Make an image of one layer from a tar; `changes` are Dockerfile lines such as `ENTRYPOINT ["/x"]`."""
    with engine.call(f"import the image {name}:{tag}") as client:
        # The tag goes with the name: Podman 4.3 overlooks it where the API has its own place for it.
        client.import_image_from_data(tar, repository=f"{name}:{tag}", changes=list(changes))


def pull(
    engine: Connection, name: str, *, login: Mapping[str, str], silence_seconds: float, stop: Stop
) -> Iterator[dict[str, Any]]:
    """Pull an image; gives the engine's progress messages, one of which may hold `error`.

    `login` is what the registry is shown, as the API has it, or empty. A stop breaks the pull off, also in the
    engine, and ends the messages. Raises EngineSilence if no message comes for so long.
    """
    repository, tag = _repository_and_tag(name)
    request = {
        "params": {"fromImage": repository, "tag": tag or "latest"},
        "headers": {"X-Registry-Auth": urlsafe_b64encode(json.dumps(dict(login)).encode()).decode()},
    }
    yield from _messages(engine, f"pull {name}", "/images/create", request, silence_seconds, stop)


def _messages(
    engine: Connection, what: str, path: str, request: Mapping[str, Any], silence_seconds: float, stop: Stop
) -> Iterator[dict[str, Any]]:
    """The messages of a request that takes long, a line each. A stop ends it, also in the engine."""
    try:
        with (
            engine.answer(what, "POST", path, silence_seconds=silence_seconds, **request) as answer,
            closing(socket.socket(fileno=os.dup(answer.raw.fileno()))) as line,
        ):
            stop.on_request(lambda: _hang_up(line))
            yield from map(json.loads, answer.iter_lines())
    except BackendError as error:
        if stop.requested:
            return
        if is_silence(error):
            raise EngineSilence(f"nothing came for {silence_seconds:g} s") from error
        raise


def _hang_up(line: socket.socket) -> None:
    """End the conversation from another thread: whoever reads from it sees it broken off."""
    with suppress(OSError):  # it has ended by itself
        line.shutdown(socket.SHUT_RDWR)


def _repository_and_tag(name: str) -> tuple[str, str]:
    """An image's name in two, the second a tag, a digest or empty. A colon before a slash is that of a port."""
    repository, at, digest = name.partition("@")
    if at:
        return repository, digest
    repository, colon, tag = name.rpartition(":")
    return (repository, tag) if colon and "/" not in tag else (name, "")
