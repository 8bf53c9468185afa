"""Messages: what an engine tells, line by line, about work that takes long, and how that is broken off."""

import json
import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from typing import Any

from runner.engine.connection import Connection
from runner.engine.refusals import EngineSilence
from runner.engine.troubles import is_silence
from runner.errors import BackendError
from runner.stop import Stop


def messages(
    engine: Connection, what: str, path: str, *, silence_seconds: float | None, stop: Stop, **request: Any
) -> Iterator[dict[str, Any]]:
    """The messages that answer a POST. A stop breaks the work off, also in the engine, and ends the messages.

    Raises EngineSilence if no message comes for so long; None is for work that may say nothing for ever.
    """
    try:
        with (
            engine.answer(what, "POST", path, within=None, silence_seconds=silence_seconds, **request) as answer,
            closing(socket.socket(fileno=os.dup(answer.raw.fileno()))) as line,
        ):
            stop.on_request(lambda: _hang_up(line))
            yield from map(json.loads, _lines(answer.iter_content(None)))
    except BackendError as error:
        if stop.requested:
            return
        if is_silence(error):
            raise EngineSilence(f"nothing came for {silence_seconds:g} s") from error
        raise


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines that are not empty, each as soon as its end has come."""
    held = b""
    for chunk in chunks:
        *lines, held = (held + chunk).split(b"\n")
        yield from (line for line in lines if line.strip())
    if held.strip():
        yield held


def _hang_up(line: socket.socket) -> None:
    """End the conversation from another thread: whoever reads from it sees it broken off."""
    with suppress(OSError):  # it has ended by itself
        line.shutdown(socket.SHUT_RDWR)
