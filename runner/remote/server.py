"""Server: what a command asks a Headrace server for."""

from dataclasses import asdict
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from runner.errors import UsageError
from runner.remote.answers import (
    RemoteAccepted,
    RemoteArtifact,
    RemoteArtifacts,
    RemoteDeliveries,
    RemoteRun,
    RemoteRuns,
    RemoteWorkers,
)
from runner.remote.connection import Connection
from runner.results.runlist import EVERY_RUN, RunFilter

_PAGE = 1000


class Decision(StrEnum):
    """What becomes of what waits for a person."""

    APPROVE = "approve"
    DECLINE = "decline"


class Server:
    """A server. Everything raises RemoteError if it doesn't answer, and UsageError if it refuses."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def runs(self, repository: str = "", *, limit: int, wanted: RunFilter = EVERY_RUN) -> tuple[RemoteRun, ...]:
        """The latest of the runs that are wanted, of all repositories or of `OWNER/NAME`, latest first."""
        path = _runs_path(repository) if repository else "/api/runs"
        asked = {name: value for name, value in asdict(wanted).items() if value}
        return self._connection.get(path, RemoteRuns, limit=limit, **asked).runs

    def workers(self) -> RemoteWorkers:
        """The workers that are connected."""
        return self._connection.get("/api/workers", RemoteWorkers)

    def find(self, wanted: str) -> RemoteRun:
        """The run with this id or number (`OWNER/NAME#7`); the latest of `OWNER/NAME`, or of all if that is empty."""
        repository, _, number = wanted.partition("#")
        if number:
            return self._numbered(repository, number)
        if wanted and "/" not in wanted:
            return self._connection.get(f"/api/runs/{quote(wanted, safe='')}", RemoteRun)
        found = self.runs(repository, limit=1)
        if not found:
            raise UsageError(f"{self._connection.url} has no run{f' of {wanted}' if wanted else ''} yet")
        return found[0]

    def artifacts(self, run: RemoteRun) -> tuple[RemoteArtifact, ...]:
        """What the run's steps have left behind so far."""
        path = f"/api/runs/{run.id}/artifacts"
        pages = self._connection.pages(path, RemoteArtifacts, limit=_PAGE)
        return tuple(artifact for page in pages for artifact in page.artifacts)

    def cancel(self, run: RemoteRun, reason: str) -> RemoteRun:
        """Ask for the run's end."""
        return self._connection.post(f"/api/runs/{run.id}/cancel", {"reason": reason}, RemoteRun)

    def decide(self, run: RemoteRun, decision: Decision, *, job: str = "") -> RemoteRun:
        """Say what becomes of the run that waits for a person, or of this job of it."""
        part = f"/jobs/{quote(job, safe='')}" if job else ""
        return self._connection.post(f"/api/runs/{run.id}{part}/{decision}", {}, RemoteRun)

    def run_again(self, run: RemoteRun, *, jobs: str = "all") -> RemoteRun:
        """Run its event again, `all` jobs or the `failed` ones; gives the new run."""
        return self._connection.post("/api/runs", {"again": run.id, "jobs": jobs}, RemoteRun)

    def deliveries(self, repository: str, *, limit: int, before: int | None = None) -> RemoteDeliveries:
        """The latest deliveries to a repository's hook, latest first; those with a lower number than `before`."""
        bounds = {"limit": limit} | ({} if before is None else {"before": before})
        return self._connection.get(_deliveries_path(repository), RemoteDeliveries, **bounds)

    def delivery(self, repository: str, number: int) -> dict[str, Any]:
        """A delivery with its headers and body, as the server describes it."""
        return self._connection.get(f"{_deliveries_path(repository)}/{number}", dict[str, Any])

    def redeliver(self, repository: str, number: int) -> RemoteAccepted:
        """Have a delivery taken again; gives its new runs."""
        return self._connection.post(f"{_deliveries_path(repository)}/{number}/redeliver", {}, RemoteAccepted)

    def _numbered(self, repository: str, number: str) -> RemoteRun:
        """The API lists the runs below a number: the first one below the next is it."""
        if "/" not in repository or not number.isdecimal() or len(number) > 9:
            raise UsageError(f"{repository}#{number} can't be a run: expected an id, or OWNER/NAME#NUMBER")
        found = self._connection.get(_runs_path(repository), RemoteRuns, limit=1, before=int(number) + 1).runs
        if not found or found[0].number != int(number):
            raise UsageError(f"{self._connection.url} has no run {repository}#{number}")
        return found[0]


def _deliveries_path(repository: str) -> str:
    if "/" not in repository:
        raise UsageError(f"{repository!r} can't be a repository: expected OWNER/NAME")
    return f"/api/repositories/{quote(repository)}/deliveries"


def _runs_path(repository: str) -> str:
    return f"/api/repositories/{quote(repository)}/runs"
