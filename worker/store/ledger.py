"""The ledger: one Record becomes what the tables say of a run, and is kept.

The numbers of the Records are the run's own here, because several jobs of a run write at once. Log lines don't come
here: they live in log files, in their own order.
"""

from datetime import datetime

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from pipelines.records import (
    AnyRecord,
    Artifact,
    JobFinished,
    JobStarted,
    Log,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
    encode,
)
from pipelines.status import Status
from runner.clock import now
from worker.store import tasks as task_store
from worker.store.announcements import announce
from worker.store.events import columns_of
from worker.store.planned import add_jobs
from worker.store.tables import artifacts, jobs, records, runs, steps


class Ledger:
    """What the tables say of one run, within one transaction."""

    def __init__(self, connection: Connection, run_id: str) -> None:
        self.connection = connection
        self.run_id = run_id

    def write(self, record: AnyRecord) -> None:
        """Make one Record true, and keep it."""
        match record:
            case Log():
                return  # its lines are in a log file already
            case RunStarted():
                event = columns_of(record.plan.event)  # now with what git knows of the commit
                problems = msgspec.json.encode(record.plan.problems)
                self._update_run(status=Status.RUNNING, started_at=record.time, problems=problems, **event)
                if record.plan.has_errors:
                    self.end_run(Status.ERROR, record.plan.why_not)
                else:
                    add_jobs(self.connection, self.run_id, record.plan)
            case RunFinished():
                self._update_run(
                    status=record.status,
                    reason=record.reason,
                    finished_at=record.time,
                    duration_ms=record.duration_ms,
                )
                task_store.end_all(self.connection, self.run_id)
            case JobStarted():
                self._update_job(record.job, status=Status.RUNNING, started_at=record.time)
            case JobFinished():
                self._end_steps(record)
                self._update_job(
                    record.job,
                    status=record.status,
                    reason=record.reason,
                    finished_at=record.time,
                    duration_ms=record.duration_ms,
                )
            case StepStarted():
                self._update_step(record.job, record.step, status=Status.RUNNING, started_at=record.time)
            case StepFinished():
                self._update_step(
                    record.job,
                    record.step,
                    status=record.status,
                    reason=record.reason,
                    exit_code=record.exit_code,
                    finished_at=record.time,
                    duration_ms=record.duration_ms,
                )
            case Artifact():
                self._add_artifact(record)
        self._keep(record)
        announce(self.connection, record)

    def end_run(self, status: Status, reason: str = "") -> None:
        """End the run: nothing of it changes any more."""
        time = now()
        query = select(func.coalesce(runs.c.started_at, runs.c.created_at)).where(runs.c.id == self.run_id)
        since = self.connection.execute(query).scalar_one()
        self.write(
            RunFinished(
                seq=0,
                time=time,
                run=self.run_id,
                status=status,
                reason=reason,
                duration_ms=milliseconds_between(since, time),
            )
        )

    def end_job(self, job_id: int, status: Status, reason: str) -> None:
        """End a job of which no worker will say anything more, and those of its steps that had not ended."""
        time = now()
        query = select(jobs.c.name, jobs.c.started_at).where(jobs.c.id == job_id)
        name, started_at = self.connection.execute(query).one()
        self.write(
            JobFinished(
                seq=0,
                time=time,
                run=self.run_id,
                job=name,
                status=status,
                reason=reason,
                duration_ms=milliseconds_between(started_at or time, time),
            )
        )

    def has_ended(self) -> bool:
        """True once nothing of the run changes any more."""
        status = self.connection.execute(select(runs.c.status).where(runs.c.id == self.run_id)).scalar_one()
        return Status(status).is_terminal

    def cancel_reason(self) -> str | None:
        """Why the run is to end before its time, if it is."""
        query = select(runs.c.cancel_reason).where(runs.c.id == self.run_id)
        reason: str | None = self.connection.execute(query).scalar_one()
        return reason

    def _end_steps(self, job: JobFinished) -> None:
        """End those steps of which the worker said nothing more, or nothing at all: a job that ended has none left."""
        unfinished = (
            select(steps.c.name, steps.c.status, steps.c.started_at)
            .join(jobs, jobs.c.id == steps.c.job_id)
            .where(jobs.c.run_id == self.run_id, jobs.c.name == job.job)
            .where(steps.c.status.in_([Status.PENDING, Status.RUNNING]))
            .order_by(steps.c.position)
        )
        for name, status, started_at in self.connection.execute(unfinished).all():
            self.write(
                StepFinished(
                    seq=0,
                    time=job.time,
                    run=self.run_id,
                    job=job.job,
                    step=name,
                    status=job.status if status == Status.RUNNING else Status.SKIPPED,
                    reason=job.reason,
                    duration_ms=milliseconds_between(started_at or job.time, job.time),
                )
            )

    def _add_artifact(self, record: Artifact) -> None:
        place = {"run_id": self.run_id, "job": record.job, "step": record.step, "path": record.path}
        self.connection.execute(delete(artifacts).filter_by(**place))
        self.connection.execute(
            insert(artifacts).values(
                **place, size_bytes=record.size_bytes, sha256=record.sha256, created_at=record.time
            )
        )

    def _update_run(self, **values: str | int | bytes) -> None:
        self.connection.execute(update(runs).where(runs.c.id == self.run_id).values(values))

    def _update_job(self, job: str, **values: str | int) -> None:
        ours = (jobs.c.run_id == self.run_id) & (jobs.c.name == job)
        self.connection.execute(update(jobs).where(ours).values(values))

    def _update_step(self, job: str, step: str, **values: str | int | None) -> None:
        job_id = select(jobs.c.id).where(jobs.c.run_id == self.run_id, jobs.c.name == job).scalar_subquery()
        ours = (steps.c.job_id == job_id) & (steps.c.name == step)
        self.connection.execute(update(steps).where(ours).values(values))

    def _keep(self, record: AnyRecord) -> None:
        seq = self.connection.execute(
            update(runs).where(runs.c.id == self.run_id).values(last_seq=runs.c.last_seq + 1).returning(runs.c.last_seq)
        ).scalar_one()
        numbered = msgspec.structs.replace(record, seq=seq)
        self.connection.execute(insert(records).values(run_id=self.run_id, seq=seq, body=encode(numbered)))


def milliseconds_between(earlier: str, later: str) -> int:
    """From one RFC 3339 time to a later one; 0 if a clock was set back in between."""
    elapsed = datetime.fromisoformat(later) - datetime.fromisoformat(earlier)
    return max(0, round(elapsed.total_seconds() * 1000))
