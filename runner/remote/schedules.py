"""Schedules of a server, as commands ask for them and have them changed."""

from collections.abc import Mapping
from urllib.parse import quote

import msgspec

from runner.remote.answers import RemoteRun
from runner.remote.connection import Connection
from runner.remote.starts import repository_path


class LastRun(msgspec.Struct, frozen=True, kw_only=True):
    """The latest run that a schedule has made."""

    id: str
    number: int
    status: str
    url: str


class RemoteSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """What runs at which times. Times are RFC 3339 in UTC; `trouble` says why the server disabled it, or is `""`."""

    name: str
    cron: str
    time_zone: str
    branch: str
    params: dict[str, str]
    enabled: bool
    trouble: str
    next_times: tuple[str, ...]
    last_at: str | None
    last_run: LastRun | None
    created_at: str


class _RemoteSchedules(msgspec.Struct, frozen=True, kw_only=True):
    schedules: tuple[RemoteSchedule, ...]
    after: str | None = None


class Schedules:
    """Those of one repository. Everything raises UsageError as the server refuses, and RemoteError."""

    def __init__(self, connection: Connection, repository: str) -> None:
        self._connection = connection
        self._path = f"{repository_path(repository)}/schedules"

    def every(self) -> tuple[RemoteSchedule, ...]:
        """All, by name."""
        pages = self._connection.pages(self._path, _RemoteSchedules)
        return tuple(schedule for page in pages for schedule in page.schedules)

    def named(self, name: str) -> RemoteSchedule:
        """One of them."""
        return self._connection.get(self._one(name), RemoteSchedule)

    def add(self, wanted: Mapping[str, object]) -> RemoteSchedule:
        """A new one."""
        return self._connection.post(self._path, wanted, RemoteSchedule)

    def change(self, name: str, wanted: Mapping[str, object]) -> RemoteSchedule:
        """The schedule with these of its fields changed."""
        return self._connection.patch(self._one(name), wanted, RemoteSchedule)

    def remove(self, name: str) -> None:
        """Forget one."""
        self._connection.delete(self._one(name))

    def run_now(self, name: str) -> RemoteRun:
        """The run that it makes now."""
        return self._connection.post(f"{self._one(name)}/run", {}, RemoteRun)

    def _one(self, name: str) -> str:
        return f"{self._path}/{quote(name, safe='')}"
