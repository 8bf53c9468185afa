"""A long history in a moment: runs with all that belongs to them, written straight into the tables."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, func, insert, select, update

from pipelines.event import Event, EventKind, Repository
from pipelines.plan import PlannedJob, PlannedStep
from pipelines.records import StepFinished, encode
from pipelines.status import Status
from worker.store import repositories
from worker.store.database import Database
from worker.store.events import columns_of
from worker.store.tables import artifacts, deliveries, jobs, records, runs, steps, tasks
from worker.store.tables import repositories as repositories_table
from worker.store.tasks import TaskState

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
BRANCHES = ("main", "next", "docs", "fix")
AUTHORS = ("Ada", "Grace", "Lin", "Rare")
_AT_ONCE = 500
_KINDS = (EventKind.PUSH, EventKind.PULL_REQUEST, EventKind.CRON)
_STATUSES = (Status.SUCCESS, Status.SUCCESS, Status.FAILURE, Status.CANCELLED)
_IMAGE = "python:3.13-slim"
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """How many runs there are to be in all: some that have ended, in so many repositories, and some that wait."""

    repositories: int
    ended: int
    queued: int = 0


def make_history(database: Database, length: Length) -> list[str]:
    """Write it into an empty database; gives the repositories' full names, the busiest first. Runs come one a minute.

    Every second run is of the first repository, every fourth of the second, and so on.
    """
    with database.write() as connection:
        stored = [_repository(connection, number) for number in range(length.repositories)]
    for first in range(0, length.ended + length.queued, _AT_ONCE):
        numbers = range(first, min(first + _AT_ONCE, length.ended + length.queued))
        with database.write() as connection:
            _write(connection, [(number, _owner(number, length), number >= length.ended) for number in numbers])
    with database.write() as connection:
        for repository in stored:
            last = select(func.coalesce(func.max(runs.c.number), 0)).where(runs.c.repository_id == repository.id)
            ours = repositories_table.c.id == repository.id
            connection.execute(update(repositories_table).where(ours).values(last_number=last.scalar_subquery()))
    analyze(database)
    return [repository.full_name for repository in stored]


def analyze(database: Database) -> None:
    """Have the database look at what it holds, as it does by itself in time."""
    with database._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("VACUUM ANALYZE")


def run_id(number: int) -> str:
    """An id in the form that all have, of the run that comes at this minute."""
    value = int((BEGAN + timedelta(minutes=number)).timestamp() * 1000) << 80 | number
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(125, -1, -5))


def _repository(connection: Connection, number: int) -> repositories.StoredRepository:
    repository = Repository(owner="acme", name=f"web{number}", clone_url=f"/srv/web{number}.git", default_branch="main")
    return repositories.add(connection, repository, forge="git")


def _owner(number: int, length: Length) -> int:
    """The index of the run's repository: how often its number from 1 can be halved."""
    halvings = ((number + 1) & -(number + 1)).bit_length() - 1
    return min(halvings, length.repositories - 1)


def _write(connection: Connection, wanted: list[tuple[int, int, bool]]) -> None:
    highest = connection.execute(select(runs.c.repository_id, func.max(runs.c.number)).group_by(runs.c.repository_id))
    numbers = {repository: number for repository, number in highest}  # noqa: C416 -- rows are no pairs to mypy
    job_id = connection.execute(select(func.coalesce(func.max(jobs.c.id), 0))).scalar_one()
    rows: list[tuple[Table, dict[str, Any]]] = []
    for number, index, is_queued in wanted:
        numbers[index + 1] = numbers.get(index + 1, 0) + 1
        job_id += 0 if is_queued else 1
        rows += _queued(number, index + 1, numbers[index + 1]) if is_queued else ()
        rows += () if is_queued else _ended(number, index + 1, numbers[index + 1], job_id)
    for table in (deliveries, runs, jobs, steps, artifacts, records, tasks):
        ours = [row for of, row in rows if of is table]
        if ours:
            connection.execute(insert(table), ours)
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT setval('jobs_id_seq', {max(job_id, 1)})")
        connection.exec_driver_sql("SELECT setval('deliveries_id_seq', (SELECT max(id) FROM deliveries))")


def _queued(number: int, repository_id: int, of_repository: int) -> Iterator[tuple[Table, dict[str, Any]]]:
    run = _run(number, repository_id, of_repository, Status.PENDING)
    yield deliveries, _delivery(number, repository_id)
    yield runs, run
    yield tasks, _task(f"{run['id']}-plan-1", run, None, TaskState.PENDING)


def _ended(number: int, repository_id: int, of_repository: int, job_id: int) -> Iterator[tuple[Table, dict[str, Any]]]:
    status = Status.TIMED_OUT if number % 4999 == 4998 else _STATUSES[number % len(_STATUSES)]
    run = _run(number, repository_id, of_repository, status)
    yield deliveries, _delivery(number, repository_id)
    yield runs, run
    yield jobs, _job(job_id, run)
    for position, name in enumerate(("install", "build", "test")):
        yield steps, _step(job_id, position, name, run)
        yield records, {"run_id": run["id"], "seq": position + 1, "body": _record(run, position + 1, name)}
    yield artifacts, _artifact(run)
    yield tasks, _task(f"{run['id']}-plan-1", run, None, TaskState.ENDED)
    yield tasks, _task(f"{run['id']}-{job_id}-1", run, job_id, TaskState.ENDED)


def _delivery(number: int, repository_id: int) -> dict[str, Any]:
    return {
        "id": number + 1,
        "repository_id": repository_id,
        "key": f"delivery {number}",
        "event": "push",
        "payload": b"{}" * 200,
        "received_at": _time(number),
    }


def _run(number: int, repository_id: int, of_repository: int, status: Status) -> dict[str, Any]:
    event = Event(
        kind=_KINDS[number // 7 % 3],
        branch="rare" if number % 4999 == 4998 else BRANCHES[number // 5 % 3],
        author=AUTHORS[number // 3 % 3] if number % 4999 else AUTHORS[3],
        ref="refs/heads/main",
        sha=f"{number:040x}",
        message=f"Change number {number}\n\n{'What it does, and why. ' * 8}",
        changed_files=tuple(f"src/file{each}.py" for each in range(10)),
    )
    time = _time(number) if status.is_terminal else None
    return columns_of(event) | {
        "id": run_id(number),
        "repository_id": repository_id,
        "delivery_id": number + 1,
        "number": of_repository,
        "status": status.value,
        "reason": "",
        "last_seq": 3,
        "created_at": _time(number),
        "started_at": time,
        "finished_at": time,
        "duration_ms": 1000,
    }


def _job(job_id: int, run: dict[str, Any]) -> dict[str, Any]:
    planned = PlannedJob(
        name="build",
        workflow="build",
        file=".headrace.yaml",
        workspace_base="/headrace",
        workspace="/headrace/src",
        steps=tuple(PlannedStep(name=name, image=_IMAGE) for name in ("install", "build", "test")),
    )
    row = {"id": job_id, "run_id": run["id"], "position": 0, "name": "build", "plan": msgspec.json.encode(planned)}
    return row | {key: run[key] for key in ("status", "reason", "started_at", "finished_at", "duration_ms")}


def _step(job_id: int, position: int, name: str, run: dict[str, Any]) -> dict[str, Any]:
    row = {"job_id": job_id, "position": position, "kind": "step", "name": name, "image": _IMAGE, "exit_code": 0}
    return row | {key: run[key] for key in ("status", "reason", "started_at", "finished_at", "duration_ms")}


def _record(run: dict[str, Any], seq: int, step: str) -> bytes:
    return encode(
        StepFinished(
            seq=seq,
            time=run["created_at"],
            run=run["id"],
            job="build",
            step=step,
            status=Status.SUCCESS,
            reason="",
            duration_ms=1000,
        )
    )


def _artifact(run: dict[str, Any]) -> dict[str, Any]:
    return {
        "run_id": run["id"],
        "job": "build",
        "step": "build",
        "path": "dist/wheel.whl",
        "size_bytes": 5,
        "sha256": "0" * 64,
        "created_at": run["created_at"],
    }


def _task(task_id: str, run: dict[str, Any], job_id: int | None, state: TaskState) -> dict[str, Any]:
    return {
        "id": task_id,
        "run_id": run["id"],
        "job_id": job_id,
        "attempt": 1,
        "state": state.value,
        "last_seq": 0,
        "created_at": run["created_at"],
    }


def _time(number: int) -> str:
    return (BEGAN + timedelta(minutes=number)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
