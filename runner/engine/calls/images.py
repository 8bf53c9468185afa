"""Calls about images: looked up, imported, pulled, named, removed."""

import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from runner.engine.answers import Image
from runner.engine.calls.messages import messages
from runner.engine.connection import Connection
from runner.engine.refusals import EngineRefusal
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
        triggers=tuple(config.get("OnBuild") or ()),
        tags=tuple(found.get("RepoTags") or ()),
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
    headers = {"X-Registry-Auth": urlsafe_b64encode(json.dumps(dict(login)).encode()).decode()}
    return messages(
        engine,
        f"pull {name}",
        "/images/create",
        silence_seconds=silence_seconds,
        stop=stop,
        params={"fromImage": repository, "tag": tag or "latest"},
        headers=headers,
    )


def tag_image(engine: Connection, image: str, repository: str, tag: str) -> None:
    """Give an image one more name, or note that the one it has is in use."""
    with engine.call(f"tag {image}") as client:
        client.tag(image, repository, tag)


def tags_of(engine: Connection, repository: str) -> dict[str, datetime]:
    """The tags of a repository on the engine's machine, and when each was last given."""
    with engine.call("list images") as client:
        found = client.images(filters={"reference": repository})
        names = [name for each in found for name in each.get("RepoTags") or ()]
        return {name: _last_tagged(client.inspect_image(name)) for name in names}  # type: ignore[no-untyped-call]


def remove_image(engine: Connection, name: str) -> None:
    """Take a name away from an image, and remove it if that was its last. Raises EngineRefusal if it is in use."""
    with engine.call(f"remove the image {name}", tolerated=(404,)) as client:
        client.remove_image(name)


def _last_tagged(image: Mapping[str, Any]) -> datetime:
    """When an image was last tagged; where the engine doesn't know, when it was made."""
    texts = ((image.get("Metadata") or {}).get("LastTagTime"), image["Created"])
    times = [datetime.fromisoformat(re.sub(r"\.\d+", "", text)) for text in texts if text]
    return next(time for time in times if time.year > 1)


def _repository_and_tag(name: str) -> tuple[str, str]:
    """An image's name in two, the second a tag, a digest or empty. A colon before a slash is that of a port."""
    repository, at, digest = name.partition("@")
    if at:
        return repository, digest
    repository, colon, tag = name.rpartition(":")
    return (repository, tag) if colon and "/" not in tag else (name, "")
