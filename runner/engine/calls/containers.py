"""Calls about containers: made, attached to, started, waited for, stopped, removed."""

import socket
from collections.abc import Mapping
from typing import Any

import requests

from runner.engine.answers import ContainerState, Labelled
from runner.engine.connection import CONNECT_SECONDS, FOR_NEWS, Connection
from runner.engine.refusals import EngineRefusal, ImageMissing
from runner.engine.troubles import is_silence
from runner.errors import BackendError


def create_container(engine: Connection, options: Mapping[str, Any], name: str) -> str:
    """Make a container from the API's own options and give its id. Raises ImageMissing."""
    try:
        with engine.call("create a container") as client:
            answer = client.create_container_from_config(dict(options), name)  # type: ignore[no-untyped-call]
    except EngineRefusal as refusal:
        if refusal.status == 404 and "image" in refusal.answer.lower():  # a network may be missing just as well
            raise ImageMissing(f"no image {options['Image']} on this machine", 404) from refusal
        raise
    return str(answer["Id"])


def attach(engine: Connection, container: str) -> socket.socket:
    """A socket that gives the container's output from now on, in the engine's frames, and blocks for it.

    What is sent through it is the container's standard input, if it was made with one. To be called before the
    start: what has been printed already may be lost.
    """
    # Not docker-py's own: its file object times out, and can't be closed while another thread reads it.
    with engine.answer(
        "attach to a container",
        "POST",
        f"/containers/{container}/attach",
        params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1},
        headers={"Connection": "Upgrade", "Upgrade": "tcp"},
    ) as answer:
        if answer.status_code != 101:
            raise BackendError(f"the container engine at {engine.base_url} knows no streams: is a proxy in between?")
        stream = _taken_from(answer)
    stream.settimeout(None)
    return stream


def start(engine: Connection, container: str) -> None:
    """Start a container."""
    with engine.call("start a container") as client:
        client.start(container)


def wait(engine: Connection, container: str, seconds: float) -> bool:
    """Wait until the container has ended; False if it still runs after this time."""
    try:
        with engine.call("wait for a container", within=None) as client:
            client.wait(container, timeout=(CONNECT_SECONDS, seconds))  # type: ignore[arg-type] # requests takes pairs
    except BackendError as error:
        if is_silence(error):  # the engine sends its headers at once
            return False
        raise
    return True


def state(engine: Connection, container: str) -> ContainerState:
    """Where the container stands. The one question that a sound engine always answers soon."""
    with engine.call("inspect a container", within=FOR_NEWS) as client:
        state = client.inspect_container(container)["State"]
    return ContainerState(
        is_running=state["Running"],
        exit_code=state["ExitCode"],
        out_of_memory=state["OOMKilled"],
        error=state["Error"],
        is_being_removed=state["Status"] == "removing",
    )


def signal(engine: Connection, container: str, name: str) -> None:
    """Send a signal such as `SIGTERM`. One that has ended is let be."""
    with engine.call("signal a container", tolerated=(404, 409)) as client:
        client.kill(container, name)


def remove_container(engine: Connection, container: str) -> None:
    """Kill and remove a container and its nameless volumes. One that is gone or going is let be."""
    with engine.call("remove a container", tolerated=(404, 409)) as client:
        client.remove_container(container, v=True, force=True)


def containers(engine: Connection, label: str) -> list[Labelled]:
    """All containers with this label (`key` or `key=value`), also those that have ended."""
    with engine.call("list containers") as client:
        found = client.containers(all=True, filters={"label": [label]})
    return [Labelled(name=each["Id"], labels=each["Labels"]) for each in found]


def _taken_from(answer: requests.Response) -> socket.socket:
    """The connection of an answer, for us alone: with TLS, a copy of its number would read what is encrypted."""
    connection: Any = answer.raw.connection
    taken: socket.socket = connection.sock
    connection.sock = None
    return taken
