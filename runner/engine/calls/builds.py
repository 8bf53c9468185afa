"""Calls about images that are built, by the builder that every engine has behind its API."""

import json
from collections.abc import Iterator, Mapping
from typing import IO, Any

from runner.engine.calls.messages import messages
from runner.engine.connection import Connection
from runner.stop import Stop


def build_image(engine: Connection, tar: IO[bytes], options: Mapping[str, Any], stop: Stop) -> Iterator[dict[str, Any]]:
    """Build an image from a context; gives the builder's messages, one of which may hold `error`.

    `options` are the API's own; what isn't text in them goes as JSON. A stop breaks the build off, also in the engine.
    """
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in options.items()}
    headers = {"Content-Type": "application/x-tar"}
    return messages(
        engine, "build an image", "/build", silence_seconds=None, stop=stop, params=texts, headers=headers, data=tar
    )
