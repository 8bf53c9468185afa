"""Pulling an image: told while it comes, named when it doesn't, given up when asked."""

import threading
from collections.abc import Iterator
from typing import Any, cast

import pytest

from pipelines.status import Status
from runner.engine.client import Engine, EngineRefusal
from runner.engine.image import pull_image
from runner.errors import ImageError
from runner.stop import Stop


class Registry:
    """Stands where the engine would be: gives the messages it was made with, then fails or falls silent as told."""

    def __init__(self, *messages: dict[str, Any], refusal: EngineRefusal | None = None) -> None:
        self._messages = messages
        self._refusal = refusal
        self.silence = threading.Event()
        self.silence.set()

    def pull(self, _name: str) -> Iterator[dict[str, Any]]:
        yield from self._messages
        self.silence.wait()
        if self._refusal:
            raise self._refusal


def pull(registry: Registry, stop: Stop | None = None) -> list[str]:
    said: list[str] = []
    pull_image(cast("Engine", registry), "node:20", said.append, stop or Stop())
    return said


def test_progress_is_told_without_every_move_of_a_bar() -> None:
    registry = Registry(
        {"status": "Pulling from library/node", "id": "20"},
        {"status": "Downloading", "id": "ab12", "progress": "[=>   ]"},
        {"status": "Pull complete", "id": "ab12"},
        {"status": "Status: Downloaded newer image for node:20"},
    )
    assert pull(registry) == [
        "pulling node:20",
        "ab12: Pull complete",
        "Status: Downloaded newer image for node:20",
    ]


def test_an_image_that_no_registry_has_is_named() -> None:
    refusal = EngineRefusal("the container engine would not pull node:20: manifest unknown", 404, "manifest unknown")
    with pytest.raises(ImageError, match=r"^image node:20: not found in the registry and not on this machine$"):
        pull(Registry(refusal=refusal))


def test_a_registry_that_cannot_be_reached_is_told_apart() -> None:
    refusal = EngineRefusal("", 500, "dial tcp: no such host")
    with pytest.raises(ImageError, match=r"^image node:20: not on this machine, and it can't be pulled: dial tcp"):
        pull(Registry(refusal=refusal))


def test_a_pull_that_breaks_off_is_an_error() -> None:
    with pytest.raises(ImageError, match="unexpected EOF"):
        pull(Registry({"error": "unexpected EOF"}))


def test_a_stop_ends_a_pull_that_says_nothing() -> None:
    registry = Registry()
    registry.silence.clear()
    stop = Stop()
    stop.request(Status.CANCELLED, "enough")
    assert pull(registry, stop) == ["pulling node:20"]
    registry.silence.set()
