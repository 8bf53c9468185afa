"""Tasks: what a worker can take. One is the planning of a run, or one attempt at one of its jobs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from pipelines.details import Concurrency
from pipelines.plan import PlannedJob
from runner.clock import from_now, now
from worker.store.tables import jobs, repositories, runs, tasks


class TaskState(StrEnum):
    """A task is pending until it is put into a queue, queued until a worker's first Record of it comes.

    It has ended once nothing of it counts any more.
    """

    PENDING = "pending"
    QUEUED = "queued"
    RUNNING = "running"
    ENDED = "ended"


_OPEN = (TaskState.PENDING.value, TaskState.QUEUED.value, TaskState.RUNNING.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTask:
    """A task. Its id is the fencing token: Records that name another, or one that has ended, are refused.

    `queue` is that of the workers which it was given to, `""` before.
    """

    id: str
    run_id: str
    job_id: int | None
    attempt: int
    state: TaskState
    last_seq: int
    created_at: str
    queue: str


def add_planning_task(connection: Connection, run_id: str, *, attempt: int = 1) -> None:
    """Ask for the planning of a run."""
    _add(connection, f"{run_id}-plan-{attempt}", run_id, None, attempt, labels={})


def add_job_task(
    connection: Connection, run_id: str, job_id: int, *, attempt: int, delay: timedelta = timedelta()
) -> None:
    """Ask for one attempt at a job, after this delay."""
    text = connection.execute(select(jobs.c.plan).where(jobs.c.id == job_id)).scalar_one()
    job = msgspec.json.decode(text, type=PlannedJob)
    concurrency = job.concurrency or Concurrency(limit=0)
    group = (concurrency.group or job.workflow) if concurrency.limit else ""
    if concurrency.cancel:
        _make_room(connection, run_id, group, concurrency.limit)
    _add(
        connection,
        f"{run_id}-{job_id}-{attempt}",
        run_id,
        job_id,
        attempt,
        labels=job.labels,
        group=group,
        limit=concurrency.limit,
    )
    if delay:
        ours = (tasks.c.job_id == job_id) & (tasks.c.attempt == attempt)
        connection.execute(update(tasks).where(ours).values(not_before=from_now(delay)))


def jobs_with_tasks(connection: Connection, run_id: str) -> set[int]:
    """The ids of those jobs of a run for which there is a task, whatever its state."""
    query = select(tasks.c.job_id).where(tasks.c.run_id == run_id, tasks.c.job_id.is_not(None))
    return set(connection.execute(query).scalars())


def in_state(connection: Connection, *states: TaskState) -> list[StoredTask]:
    """All tasks in one of these states, oldest first."""
    query = select(tasks).where(tasks.c.state.in_([state.value for state in states]))
    return [_stored(row) for row in connection.execute(query.order_by(tasks.c.created_at, tasks.c.id))]


def give(connection: Connection, task_id: str, queue: str) -> None:
    """Note that a task which is pending goes into this queue."""
    pending = (tasks.c.id == task_id) & (tasks.c.state == TaskState.PENDING.value)
    connection.execute(update(tasks).where(pending).values(state=TaskState.QUEUED.value, queue=queue))


def take_back(connection: Connection, task_ids: Sequence[str]) -> None:
    """Note that these tasks, which nobody has begun, are in no queue any more."""
    queued = tasks.c.id.in_(task_ids) & (tasks.c.state == TaskState.QUEUED.value)
    connection.execute(update(tasks).where(queued).values(state=TaskState.PENDING.value, queue=None))


def find(connection: Connection, task_id: str) -> StoredTask | None:
    """The task with this id, or None."""
    row = connection.execute(select(tasks).where(tasks.c.id == task_id)).one_or_none()
    return _stored(row) if row else None


def last_taken(connection: Connection, task_id: str) -> int | None:
    """The number of the last Record of a task that is taken; None if none of it counts any more, or ever did."""
    task = find(connection, task_id)
    return None if task is None or task.state is TaskState.ENDED else task.last_seq


def to_cancel(connection: Connection) -> list[tuple[StoredTask, str]]:
    """The tasks that have not ended and are to be cancelled, alone or with their run, each with the reason."""
    wanted = (runs.c.cancel_reason.is_not(None), runs.c.finished_at.is_(None))
    unwanted = connection.execute(select(runs.c.id, runs.c.cancel_reason).where(*wanted))
    reasons: dict[str, str] = {run_id: reason or "" for run_id, reason in unwanted}
    ours = tasks.c.run_id.in_(list(reasons)) | tasks.c.cancel_reason.is_not(None)
    found = connection.execute(select(tasks).where(tasks.c.state.in_(_OPEN), ours))
    ordered = sorted(found, key=lambda row: (row.created_at, row.id))
    return [(_stored(row), reasons.get(row.run_id) or row.cancel_reason) for row in ordered]


def advance(connection: Connection, task_id: str, *, last_seq: int, state: TaskState) -> None:
    """Note how far the task's Records have been taken, and where it stands."""
    connection.execute(update(tasks).where(tasks.c.id == task_id).values(last_seq=last_seq, state=state.value))


def end_all(connection: Connection, run_id: str) -> None:
    """Nothing of this run counts any more."""
    connection.execute(update(tasks).where(tasks.c.run_id == run_id).values(state=TaskState.ENDED.value))


def _make_room(connection: Connection, run_id: str, group: str, limit: int) -> None:
    """Cancel the oldest jobs of a concurrency group, of other runs of the repository, so that one more has room."""
    run = select(runs.c.repository_id, runs.c.number).where(runs.c.id == run_id)
    repository_id, number = connection.execute(run).one()
    query = (
        select(tasks.c.id)
        .join(runs, runs.c.id == tasks.c.run_id)
        .where(tasks.c.state != TaskState.ENDED.value, tasks.c.concurrency_group == group)
        .where(runs.c.repository_id == repository_id, runs.c.id != run_id)
        .where(runs.c.cancel_reason.is_(None), tasks.c.cancel_reason.is_(None))
        .order_by(tasks.c.created_at.desc(), tasks.c.job_id.desc())
    )
    beyond = list(connection.execute(query).scalars())[limit - 1 :]
    reason = f"run {number} is newer in concurrency group {group}"
    connection.execute(update(tasks).where(tasks.c.id.in_(beyond)).values(cancel_reason=reason))


def _add(
    connection: Connection,
    task_id: str,
    run_id: str,
    job_id: int | None,
    attempt: int,
    *,
    labels: dict[str, str],
    group: str = "",
    limit: int = 0,
) -> None:
    repository = select(repositories.c.owner, repositories.c.name).join(runs).where(runs.c.id == run_id)
    owner, name = connection.execute(repository).one()
    connection.execute(
        insert(tasks).values(
            id=task_id,
            run_id=run_id,
            job_id=job_id,
            attempt=attempt,
            state=TaskState.PENDING.value,
            last_seq=0,
            created_at=now(),
            labels=json.dumps(labels | {"repo": f"{owner}/{name}"}, sort_keys=True),
            concurrency_group=group or None,
            concurrency_limit=limit,
        )
    )


def _stored(row: Row[Any]) -> StoredTask:
    return StoredTask(
        id=row.id,
        run_id=row.run_id,
        job_id=row.job_id,
        attempt=row.attempt,
        state=TaskState(row.state),
        last_seq=row.last_seq,
        created_at=row.created_at,
        queue=row.queue or "",
    )
