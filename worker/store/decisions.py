"""Decisions: what people say to jobs that wait for them, and what becomes of those that nobody says anything to."""

from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from pipelines.status import Status
from runner.clock import now
from worker.errors import Conflict, Forbidden, NotFound
from worker.store import history
from worker.store import tasks as task_store
from worker.store.asking import approvals_in, plan_of
from worker.store.tables import jobs, runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """A job that nobody has decided about in time."""

    id: int
    run_id: str


def approve_job(connection: Connection, run_id: str, *, job: str, by: str) -> None:
    """Let a job begin that waits. Raises NotFound, Conflict if it doesn't wait, Forbidden if others are to decide."""
    job_id = _decide(connection, run_id, job, by)
    connection.execute(update(jobs).where(jobs.c.id == job_id).values(status=Status.PENDING.value))
    task_store.add_job_task(connection, run_id, job_id, attempt=1)


def decline_job(connection: Connection, run_id: str, *, job: str, by: str) -> None:
    """End a job that waits. Raises as `approve_job` does."""
    job_id = _decide(connection, run_id, job, by)
    history.end_asked(connection, run_id, job_id, Status.CANCELLED, f"declined by {by}")


def overdue(connection: Connection) -> list[Overdue]:
    """The jobs that have waited for too long."""
    query = (
        select(jobs.c.id, jobs.c.run_id)
        .join(runs, runs.c.id == jobs.c.run_id)
        .where(runs.c.status == Status.RUNNING.value, jobs.c.status == Status.BLOCKED.value)
        .where(jobs.c.decide_until < now())
    )
    return [Overdue(id=row.id, run_id=row.run_id) for row in connection.execute(query)]


def end_overdue(connection: Connection, job: Overdue) -> None:
    """Nobody has approved it: it is *timed out*."""
    still = select(jobs.c.id).where(jobs.c.id == job.id, jobs.c.status == Status.BLOCKED.value)
    if connection.execute(still).first():
        history.end_asked(connection, job.run_id, job.id, Status.TIMED_OUT, "nobody has approved it in time")


def _decide(connection: Connection, run_id: str, job: str, by: str) -> int:
    """Note who has decided; gives the job's id."""
    row = connection.execute(select(jobs).where(jobs.c.run_id == run_id, jobs.c.name == job)).one_or_none()
    if row is None:
        raise NotFound(f"run {run_id} has no job {job!r}")
    if row.status != Status.BLOCKED:
        raise Conflict(f"job {job} does not wait for approval: it is {row.status}")
    for asked in approvals_in(plan_of(connection, row.id)):
        if asked.users and by not in asked.users:
            raise Forbidden(f"job {job} waits for {' or '.join(asked.users)}, and you are {by}")
    connection.execute(update(jobs).where(jobs.c.id == row.id).values(decided_by=by, decided_at=now()))
    return int(row.id)
