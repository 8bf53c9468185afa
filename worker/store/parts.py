"""The parts of a run as they are read: its jobs with their steps, and its artifacts."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, select, tuple_

from pipelines.plan import PlannedJob
from pipelines.status import Status
from worker.errors import NotFound
from worker.store.attempts import Attempts, StoredAttempt, attempts_of
from worker.store.tables import artifacts, jobs, steps


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredStep:
    """A step or service of a job. `included` is false if the Plan left it out, and `reason` says why.

    `attempts` are those that have ended.
    """

    id: int
    kind: str
    name: str
    image: str
    included: bool
    status: Status
    reason: str
    exit_code: int | None
    started_at: str | None
    finished_at: str | None
    duration_ms: int | None
    attempts: tuple[StoredAttempt, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredJob:
    """A job of a run, with its steps in the order of the file, services first.

    `decided_by` is who let it begin, or not, if it had to wait for a person.
    """

    id: int
    name: str
    workflow: str
    matrix: dict[str, str]
    included: bool
    status: Status
    reason: str
    started_at: str | None
    finished_at: str | None
    duration_ms: int | None
    decided_by: str | None
    steps: tuple[StoredStep, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredArtifact:
    """A file that a step left behind. `path` is relative to the workspace, `sha256` in hex."""

    id: int
    run_id: str
    job: str
    step: str
    path: str
    size_bytes: int
    sha256: str


def jobs_of(connection: Connection, run_id: str) -> list[StoredJob]:
    """The jobs of a run, in the order of its Plan; none before it has one."""
    query = select(steps).join(jobs, jobs.c.id == steps.c.job_id).where(jobs.c.run_id == run_id)
    rows_by_job: defaultdict[int, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(query.order_by(steps.c.job_id, steps.c.position)):
        rows_by_job[row.job_id].append(row)
    found = connection.execute(select(jobs).where(jobs.c.run_id == run_id).order_by(jobs.c.position))
    attempts = attempts_of(connection, run_id)
    return [_job(row, rows_by_job[row.id], attempts) for row in found]


def step_status(connection: Connection, run_id: str, job: str, step: str) -> Status:
    """Where a step stands. Raises NotFound."""
    query = (
        select(steps.c.status)
        .join(jobs, jobs.c.id == steps.c.job_id)
        .where(jobs.c.run_id == run_id, jobs.c.name == job, steps.c.name == step)
    )
    status = connection.execute(query).scalar_one_or_none()
    if status is None:
        raise NotFound(f"run {run_id} has no step {step!r} in a job {job!r}")
    return Status(status)


def step_ids(connection: Connection, run_id: str) -> dict[tuple[str, str], int]:
    """The id of every step of a run, by the names of its job and itself, in the order of the Plan."""
    query = (
        select(jobs.c.name, steps.c.name, steps.c.id)
        .join(jobs, jobs.c.id == steps.c.job_id)
        .where(jobs.c.run_id == run_id)
        .order_by(jobs.c.position, steps.c.position)
    )
    return {(job, step): step_id for job, step, step_id in connection.execute(query)}


def artifacts_of(
    connection: Connection, run_id: str, *, limit: int | None = None, after: int | None = None
) -> list[StoredArtifact]:
    """The artifacts of a run, by job, step and path; those that come after the one with the id `after`, if given."""
    order = (artifacts.c.job, artifacts.c.step, artifacts.c.path)
    query = _artifacts().where(artifacts.c.run_id == run_id)
    if after is not None:
        last = artifact_with_id(connection, after)
        query = query.where(tuple_(*order) > tuple_(last.job, last.step, last.path))
    return [_artifact(row) for row in connection.execute(query.order_by(*order).limit(limit))]


def artifact_with_id(connection: Connection, artifact_id: int) -> StoredArtifact:
    """The artifact with this id. Raises NotFound."""
    row = connection.execute(_artifacts().where(artifacts.c.id == artifact_id)).one_or_none()
    if row is None:
        raise NotFound(f"there is no artifact {artifact_id}")
    return _artifact(row)


def _job(row: Row[Any], step_rows: list[Row[Any]], attempts: Attempts) -> StoredJob:
    plan = msgspec.json.decode(row.plan, type=PlannedJob)
    left_out = {step.name for step in (*plan.services, *plan.steps) if not (plan.included and step.included)}
    return StoredJob(
        id=row.id,
        name=row.name,
        workflow=plan.workflow,
        matrix=plan.matrix,
        included=plan.included,
        status=Status(row.status),
        reason=row.reason,
        started_at=row.started_at,
        finished_at=row.finished_at,
        duration_ms=row.duration_ms,
        decided_by=row.decided_by,
        steps=tuple(
            _step(step, attempts.get((row.name, step.name), ()), included=step.name not in left_out)
            for step in step_rows
        ),
    )


def _step(row: Row[Any], attempts: Sequence[StoredAttempt], *, included: bool) -> StoredStep:
    return StoredStep(
        id=row.id,
        kind=row.kind,
        name=row.name,
        image=row.image,
        included=included,
        status=Status(row.status),
        reason=row.reason,
        exit_code=row.exit_code,
        started_at=row.started_at,
        finished_at=row.finished_at,
        duration_ms=row.duration_ms,
        attempts=tuple(attempts),
    )


def _artifacts() -> Select[Any]:
    columns = ("id", "run_id", "job", "step", "path", "size_bytes", "sha256")
    return select(*(artifacts.c[column] for column in columns))


def _artifact(row: Row[Any]) -> StoredArtifact:
    return StoredArtifact(**row._mapping)  # noqa: SLF001 -- SQLAlchemy's public name for the row as a mapping
