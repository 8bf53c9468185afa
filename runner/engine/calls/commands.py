"""Calls about commands in a container that runs."""

import struct
import time
from collections.abc import Iterable
from contextlib import suppress

import requests
from urllib3.exceptions import ReadTimeoutError

from runner.engine.connection import Connection

_FRAME = struct.Struct(">4xL")  # the number of the stream, three zeros, the length of what follows
_MOST_BYTES = 64 * 1024


def execute(engine: Connection, container: str, command: Iterable[str], seconds: float) -> tuple[int | None, bytes]:
    """Run a command in a container; its exit code, None if it runs on after this time, and what it printed.

    Raises EngineRefusal, 409 or 404, if the container has ended. No more than 64 KiB of the output are kept.
    """
    with engine.call("run a command in a container") as client:
        identifier = client.exec_create(container, list(command))["Id"]
    with engine.answer(
        "run a command in a container",
        "POST",
        f"/exec/{identifier}/start",
        json={"Detach": False, "Tty": False},
        within=None,
        silence_seconds=seconds,
    ) as answer:
        printed = _read_frames(answer, time.monotonic() + seconds)
    with engine.call("run a command in a container") as client:
        found = client.exec_inspect(identifier)
    return (None if found["Running"] else found["ExitCode"]), printed


def _read_frames(answer: requests.Response, deadline: float) -> bytes:
    """What comes until the answer or the time ends, without the engine's headers."""
    held = bytearray()
    with suppress(ReadTimeoutError):
        while len(held) < _MOST_BYTES and time.monotonic() < deadline and (data := answer.raw.read1(4096)):
            held += data
    printed = bytearray()
    while len(held) >= _FRAME.size:
        end = _FRAME.size + _FRAME.unpack_from(held)[0]
        printed += held[_FRAME.size : end]
        del held[:end]
    return bytes(printed)
