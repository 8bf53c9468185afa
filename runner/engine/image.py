"""Images: pulling what is not on the machine, with its progress told and its failure named."""

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

from runner.engine.client import Engine, EngineRefusal
from runner.errors import BackendError, ImageError
from runner.stop import Stop

_TOLD = ("Pull complete", "Already exists", "Download complete")


def pull_image(engine: Engine, image: str, say: Callable[[str], None], stop: Stop) -> None:
    """Pull an image and `say` how it goes. Returns early if `stop` is requested. Raises ImageError."""
    say(f"pulling {image}")
    try:
        for message in _until_stopped(lambda: engine.pull(image), stop):
            if error := message.get("error"):
                raise ImageError(f"image {image}: {_why(str(error))}")
            if progress := _progress(message):
                say(progress)
    except EngineRefusal as error:
        raise ImageError(f"image {image}: {_why(error.answer, error.status)}") from error


def _progress(message: dict[str, Any]) -> str:
    """A line worth telling of one progress message; most only move a bar."""
    status = str(message.get("status", ""))
    if "id" not in message:
        return status
    return f"{message['id']}: {status}" if status in _TOLD else ""


def _why(reason: str, status: int = 0) -> str:
    if status == 404:
        return "not found in the registry and not on this machine"
    return f"not on this machine, and it can't be pulled: {reason}"


def _until_stopped(messages: Callable[[], Iterator[dict[str, Any]]], stop: Stop) -> Iterator[dict[str, Any]]:
    """The messages as they come, until a stop is requested: a registry may be silent for minutes."""
    inbox: queue.SimpleQueue[dict[str, Any] | BackendError | None] = queue.SimpleQueue()

    def receive() -> None:
        try:
            for message in messages():
                inbox.put(message)
            inbox.put(None)
        except BackendError as error:
            inbox.put(error)

    stop.on_request(lambda: inbox.put(None))
    threading.Thread(target=receive, name="headrace-pull", daemon=True).start()
    while (message := inbox.get()) is not None:
        if isinstance(message, BackendError):
            raise message
        yield message
