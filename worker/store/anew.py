"""Once more: another attempt at a job whose worker is lost, if its steps ask for that."""

from datetime import timedelta

from sqlalchemy import select, update

from pipelines.plan import PlannedJob
from pipelines.records import StepRetried
from pipelines.status import Status
from runner.clock import now
from worker.store import tasks as task_store
from worker.store.asking import plan_of
from worker.store.attempts import attempts_of
from worker.store.ledger import Ledger, milliseconds_between
from worker.store.tables import jobs, steps
from worker.waiting.lost import begins_anew, delay_before

_UNTOUCHED = {"started_at": None, "finished_at": None, "duration_ms": None, "exit_code": None, "reason": ""}


def begin_anew(ledger: Ledger, job_id: int, *, attempt: int, reason: str) -> bool:
    """Ask for another attempt at a lost job, if its steps under way say so; False if they don't."""
    connection = ledger.connection
    job = plan_of(connection, job_id)
    rows = connection.execute(select(steps).where(steps.c.job_id == job_id)).all()
    statuses = {row.name: Status(row.status) for row in rows}
    if ledger.cancel_reason() is not None or not begins_anew(job, statuses, attempt=attempt):
        return False
    for row in rows:
        if row.status == Status.RUNNING and row.kind == "step":
            _lose_attempt(ledger, job, row.name, row.started_at, reason)
    again = [row.name for row in rows if row.started_at is not None or row.finished_at is not None]
    ours = (steps.c.job_id == job_id) & steps.c.name.in_(again)
    connection.execute(update(steps).where(ours).values(status=Status.PENDING.value, **_UNTOUCHED))
    why = f"attempt {attempt} is lost: {reason}"
    pending = {"status": Status.PENDING.value, "reason": why, "started_at": None}
    connection.execute(update(jobs).where(jobs.c.id == job_id).values(pending))
    delay = timedelta(seconds=delay_before(job, statuses))
    task_store.add_job_task(connection, ledger.run_id, job_id, attempt=attempt + 1, delay=delay)
    return True


def _lose_attempt(ledger: Ledger, job: PlannedJob, name: str, started_at: str, reason: str) -> None:
    step = next(each for each in job.steps if each.name == name)
    ended = len(attempts_of(ledger.connection, ledger.run_id).get((job.name, name), ()))
    time = now()
    ledger.write(
        StepRetried(
            seq=0,
            time=time,
            run=ledger.run_id,
            job=job.name,
            step=name,
            attempt=ended + 1,
            attempts=step.retry.attempts if step.retry else 1,
            status=Status.LOST,
            reason=reason,
            duration_ms=milliseconds_between(started_at or time, time),
            delay_ms=round(step.retry.delay * 1000) if step.retry else 0,
        )
    )
