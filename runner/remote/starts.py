"""Starts: what a command asks a server to run."""

from collections.abc import Mapping
from urllib.parse import quote

from runner.errors import UsageError
from runner.remote.answers import RemoteRun
from runner.remote.connection import Connection


def start(connection: Connection, repository: str, wanted: Mapping[str, object]) -> RemoteRun:
    """The run of `OWNER/NAME` that this starts. Raises UsageError as the server refuses, RemoteError."""
    return connection.post(f"{repository_path(repository)}/runs", wanted, RemoteRun)


def deploy(connection: Connection, run: RemoteRun, wanted: Mapping[str, object]) -> RemoteRun:
    """The run that deploys this one. Raises UsageError as the server refuses, RemoteError."""
    return connection.post(f"{repository_path(run.repository)}/runs/{run.number}/deploy", wanted, RemoteRun)


def repository_path(repository: str) -> str:
    """Where the API has `OWNER/NAME`. Raises UsageError for what can't be one."""
    if "/" not in repository.strip("/"):
        raise UsageError(f"{repository!r} is no repository: expected OWNER/NAME")
    return f"/api/repositories/{quote(repository)}"
