"""Tasks: what a worker can take. One is the planning of a run, or one attempt at one of its jobs."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from runner.clock import now
from worker.store.tables import runs, tasks


class TaskState(StrEnum):
    """A task is pending until a worker's first Record of it comes, and ended once nothing of it counts any more."""

    PENDING = "pending"
    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTask:
    """A task. Its id is the fencing token: Records that name another, or one that has ended, are refused."""

    id: str
    run_id: str
    job_id: int | None
    attempt: int
    state: TaskState
    last_seq: int
    created_at: str


def add_planning_task(connection: Connection, run_id: str, *, attempt: int = 1) -> None:
    """Ask for the planning of a run."""
    _add(connection, f"{run_id}-plan-{attempt}", run_id, None, attempt)


def add_job_task(connection: Connection, run_id: str, job_id: int, *, attempt: int) -> None:
    """Ask for one attempt at a job."""
    _add(connection, f"{run_id}-{job_id}-{attempt}", run_id, job_id, attempt)


def jobs_with_tasks(connection: Connection, run_id: str) -> set[int]:
    """The ids of those jobs of a run for which there is a task, whatever its state."""
    query = select(tasks.c.job_id).where(tasks.c.run_id == run_id, tasks.c.job_id.is_not(None))
    return set(connection.execute(query).scalars())


def in_state(connection: Connection, state: TaskState, *, since: str = "") -> list[StoredTask]:
    """All tasks in this state that were made at `since` or later, oldest first."""
    found = select(tasks).where(tasks.c.state == state.value, tasks.c.created_at >= since)
    query = found.order_by(tasks.c.created_at, tasks.c.id)
    return [_stored(row) for row in connection.execute(query)]


def find(connection: Connection, task_id: str) -> StoredTask | None:
    """The task with this id, or None."""
    row = connection.execute(select(tasks).where(tasks.c.id == task_id)).one_or_none()
    return _stored(row) if row else None


def to_cancel(connection: Connection) -> list[tuple[StoredTask, str]]:
    """The tasks that have not ended of runs which are to be cancelled, each with the reason."""
    wanted = (runs.c.cancel_reason.is_not(None), runs.c.finished_at.is_(None))
    unwanted = connection.execute(select(runs.c.id, runs.c.cancel_reason).where(*wanted))
    reasons: dict[str, str] = {run_id: reason or "" for run_id, reason in unwanted}
    if not reasons:
        return []
    ours = (tasks.c.run_id.in_(list(reasons)), tasks.c.state != TaskState.ENDED.value)
    found = connection.execute(select(tasks).where(*ours).order_by(tasks.c.created_at, tasks.c.id))
    return [(_stored(row), reasons[row.run_id]) for row in found]


def advance(connection: Connection, task_id: str, *, last_seq: int, state: TaskState) -> None:
    """Note how far the task's Records have been taken, and where it stands."""
    connection.execute(update(tasks).where(tasks.c.id == task_id).values(last_seq=last_seq, state=state.value))


def end_all(connection: Connection, run_id: str) -> None:
    """Nothing of this run counts any more."""
    connection.execute(update(tasks).where(tasks.c.run_id == run_id).values(state=TaskState.ENDED.value))


def _add(connection: Connection, task_id: str, run_id: str, job_id: int | None, attempt: int) -> None:
    connection.execute(
        insert(tasks).values(
            id=task_id,
            run_id=run_id,
            job_id=job_id,
            attempt=attempt,
            state=TaskState.PENDING.value,
            last_seq=0,
            created_at=now(),
        )
    )


def _stored(row: Row[Any]) -> StoredTask:
    columns = {column.name: getattr(row, column.name) for column in tasks.columns}
    return StoredTask(**columns | {"state": TaskState(columns["state"])})
