"""Calls about volumes."""

from collections.abc import Mapping

from runner.engine.answers import Labelled
from runner.engine.connection import Connection


def create_volume(engine: Connection, name: str, labels: Mapping[str, str]) -> None:
    """Make an empty volume."""
    with engine.call("create a volume") as client:
        client.create_volume(name, labels=dict(labels))


def volume_directory(engine: Connection, name: str) -> str:
    """Where the volume's files are on the engine's machine, `""` if it isn't simply a directory there."""
    with engine.call("look at a volume") as client:
        found = client.inspect_volume(name)
    return found["Mountpoint"] if found["Driver"] == "local" and not found.get("Options") else ""


def remove_volume(engine: Connection, name: str) -> None:
    """Remove a volume. One that is gone is let be."""
    with engine.call("remove a volume", tolerated=(404,)) as client:
        client.remove_volume(name)


def volumes(engine: Connection, label: str) -> list[Labelled]:
    """All volumes with this label."""
    with engine.call("list volumes") as client:
        found = client.volumes(filters={"label": [label]})["Volumes"] or []
    return [Labelled(name=each["Name"], labels=each["Labels"] or {}) for each in found]
