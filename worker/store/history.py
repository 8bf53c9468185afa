"""History: Records become rows, each once, and a run goes on to what comes next.

DESIGN. Workers number the Records of each task; the history numbers those of each run anew, since several jobs of a
run write at once. Log lines don't come here: they live in log files, in their own order. A Record is taken within the
transaction that notes its number, so one that is sent twice counts once, and one before which another is missing (Redis
may lose some) is left until that comes again. Records of a task that has ended are refused.
What the server itself has to say (a job skipped, a worker lost, the run's end) is a Record too, and takes the same way.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from pipelines.plan import PlannedJob
from pipelines.progress import NOTHING_TO_DO, JobState, next_moves
from pipelines.records import (
    AnyRecord,
    Artifact,
    JobFinished,
    JobStarted,
    Log,
    RunFinished,
    RunStarted,
    StepFinished,
    StepRetried,
    StepStarted,
    encode,
)
from pipelines.status import Status, worst
from runner.clock import now
from worker.errors import Conflict
from worker.store import kept
from worker.store import tasks as task_store
from worker.store.announcements import announce
from worker.store.asking import ask, plan_of
from worker.store.attempts import attempts_of
from worker.store.events import columns_of
from worker.store.planned import add_jobs
from worker.store.tables import artifacts, jobs, records, runs, steps
from worker.store.tasks import StoredTask, TaskState
from worker.waiting.lost import begins_anew, delay_before

_PLANNING_ATTEMPTS = 3
LAST_OF_A_TASK = RunStarted | RunFinished | JobFinished


def take(connection: Connection, task_id: str, reported: Sequence[AnyRecord]) -> list[AnyRecord]:
    """Take what a worker reports of a task; gives the Records that were new, log lines among them.

    Nothing is new of a task that is unknown or has ended, or while a Record before these is missing.
    """
    task = task_store.find(connection, task_id)
    if task is None or task.state is TaskState.ENDED:
        return []
    fresh = [record for record in reported if record.seq > task.last_seq]
    if not fresh or fresh[0].seq != task.last_seq + 1:
        return []
    is_over = any(isinstance(record, LAST_OF_A_TASK) for record in fresh)
    state = TaskState.ENDED if is_over else TaskState.RUNNING
    task_store.advance(connection, task.id, last_seq=fresh[-1].seq, state=state)
    history = _History(connection, task.run_id)
    for record in fresh:
        history.write(record)
        if isinstance(record, RunStarted) and not record.plan.has_errors:
            kept.take_over(connection, task.run_id, record.plan.jobs, history.write)
    if is_over:
        history.go_on()
    return fresh


def declare_lost(connection: Connection, task: StoredTask, reason: str) -> None:
    """The worker that had this task is gone. A planning is asked for again, and a job whose steps say so.

    Any other job, and its steps, end as *lost*.
    """
    task_store.advance(connection, task.id, last_seq=task.last_seq, state=TaskState.ENDED)
    history = _History(connection, task.run_id)
    if task.job_id is not None:
        if not history.begin_anew(task.job_id, task.attempt, reason):
            history.end_job(task.job_id, Status.LOST, reason)
        history.go_on()
    elif task.attempt < _PLANNING_ATTEMPTS:
        task_store.add_planning_task(connection, task.run_id, attempt=task.attempt + 1)
    else:
        history.finish_run(Status.LOST, reason)


def cancel(connection: Connection, run_id: str, reason: str) -> None:
    """Note that a run is to end before its time. What no worker has yet ends at once; the dispatcher sees to the rest.

    Raises Conflict if the run has ended already. To ask again changes nothing.
    """
    history = _History(connection, run_id)
    if history.has_ended():
        raise Conflict("the run has ended already")
    unasked = (runs.c.id == run_id) & runs.c.cancel_reason.is_(None)
    connection.execute(update(runs).where(unasked).values(cancel_reason=reason))
    history.go_on()


def end_withdrawn(connection: Connection, task: StoredTask, status: Status, reason: str) -> None:
    """End a task that no worker has taken and none can take any more."""
    current = task_store.find(connection, task.id)
    if current is None or current.state is TaskState.ENDED:
        return
    task_store.advance(connection, task.id, last_seq=task.last_seq, state=TaskState.ENDED)
    history = _History(connection, task.run_id)
    if task.job_id is None:
        history.finish_run(status, reason)
    else:
        history.end_job(task.job_id, status, reason)
        history.go_on()


def end_asked(connection: Connection, run_id: str, job_id: int, status: Status, reason: str) -> None:
    """End a job that waits for a person, who has not let it begin."""
    history = _History(connection, run_id)
    history.end_job(job_id, status, reason)
    history.go_on()


class _History:
    """The history of one run, within one transaction."""

    def __init__(self, connection: Connection, run_id: str) -> None:
        self._connection = connection
        self._run_id = run_id

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
                    self.finish_run(Status.ERROR, record.plan.why_not)
                else:
                    add_jobs(self._connection, self._run_id, record.plan)
            case RunFinished():
                self._update_run(
                    status=record.status,
                    reason=record.reason,
                    finished_at=record.time,
                    duration_ms=record.duration_ms,
                )
                task_store.end_all(self._connection, self._run_id)
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
        announce(self._connection, record)

    def go_on(self) -> None:
        """Start the jobs whose turn has come, skip those that can't run any more, end the run after the last.

        Of a run that is to be cancelled no job starts any more, and it never ends as a success.
        """
        cancel_reason = self._cancel_reason()
        if cancel_reason is not None:
            self._end_asking(cancel_reason)
        while not self.has_ended():
            states = self._job_states()
            moves = next_moves([state for _, state in states])
            ids = {state.name: job_id for job_id, state in states}
            for name in moves.start:
                if cancel_reason is not None:
                    self._finish_job(ids[name], name, Status.CANCELLED, cancel_reason)
                elif not ask(self._connection, ids[name]):
                    task_store.add_job_task(self._connection, self._run_id, ids[name], attempt=1)
            for name, reason in moves.skip:
                self._finish_job(ids[name], name, Status.SKIPPED, reason)
            if moves.finished and cancel_reason is not None:
                self.finish_run(worst([moves.finished, Status.CANCELLED]), cancel_reason)
            elif moves.finished:
                self.finish_run(moves.finished, "" if states else NOTHING_TO_DO)
            if not moves.skip and not (moves.start and cancel_reason is not None):
                return

    def _end_asking(self, reason: str) -> None:
        """Nobody needs to decide any more."""
        waiting = (jobs.c.run_id == self._run_id) & (jobs.c.status == Status.BLOCKED.value)
        for job_id, name in self._connection.execute(select(jobs.c.id, jobs.c.name).where(waiting)).all():
            self._finish_job(job_id, name, Status.CANCELLED, reason)

    def begin_anew(self, job_id: int, attempt: int, reason: str) -> bool:
        """Ask for another attempt at a lost job, if its steps under way say so; False if they don't."""
        job = plan_of(self._connection, job_id)
        rows = self._connection.execute(select(steps).where(steps.c.job_id == job_id)).all()
        statuses = {row.name: Status(row.status) for row in rows}
        if self._cancel_reason() is not None or not begins_anew(job, statuses, attempt=attempt):
            return False
        for row in rows:
            if row.status == Status.RUNNING and row.kind == "step":
                self._lose_attempt(job, row.name, row.started_at, reason)
        fresh = {"started_at": None, "finished_at": None, "duration_ms": None, "exit_code": None, "reason": ""}
        again = [row.name for row in rows if row.started_at is not None or row.finished_at is not None]
        ours = (steps.c.job_id == job_id) & steps.c.name.in_(again)
        self._connection.execute(update(steps).where(ours).values(status=Status.PENDING.value, **fresh))
        why = f"attempt {attempt} is lost: {reason}"
        pending = {"status": Status.PENDING.value, "reason": why, "started_at": None}
        self._connection.execute(update(jobs).where(jobs.c.id == job_id).values(pending))
        delay = timedelta(seconds=delay_before(job, statuses))
        task_store.add_job_task(self._connection, self._run_id, job_id, attempt=attempt + 1, delay=delay)
        return True

    def _lose_attempt(self, job: PlannedJob, name: str, started_at: str, reason: str) -> None:
        step = next(each for each in job.steps if each.name == name)
        ended = len(attempts_of(self._connection, self._run_id).get((job.name, name), ()))
        time = now()
        self.write(
            StepRetried(
                seq=0,
                time=time,
                run=self._run_id,
                job=job.name,
                step=name,
                attempt=ended + 1,
                attempts=step.retry.attempts if step.retry else 1,
                status=Status.LOST,
                reason=reason,
                duration_ms=_milliseconds_between(started_at or time, time),
                delay_ms=round(step.retry.delay * 1000) if step.retry else 0,
            )
        )

    def end_job(self, job_id: int, status: Status, reason: str) -> None:
        """End a job of which no worker will say anything more, and those of its steps that had not ended."""
        name = self._connection.execute(select(jobs.c.name).where(jobs.c.id == job_id)).scalar_one()
        self._finish_job(job_id, name, status, reason)

    def finish_run(self, status: Status, reason: str = "") -> None:
        """End the run: nothing of it changes any more."""
        time = now()
        query = select(func.coalesce(runs.c.started_at, runs.c.created_at)).where(runs.c.id == self._run_id)
        since = self._connection.execute(query).scalar_one()
        self.write(
            RunFinished(
                seq=0,
                time=time,
                run=self._run_id,
                status=status,
                reason=reason,
                duration_ms=_milliseconds_between(since, time),
            )
        )

    def _finish_job(self, job_id: int, name: str, status: Status, reason: str) -> None:
        time = now()
        started_at = self._connection.execute(select(jobs.c.started_at).where(jobs.c.id == job_id)).scalar_one()
        self.write(
            JobFinished(
                seq=0,
                time=time,
                run=self._run_id,
                job=name,
                status=status,
                reason=reason,
                duration_ms=_milliseconds_between(started_at or time, time),
            )
        )

    def _end_steps(self, job: JobFinished) -> None:
        """End those steps of which the worker said nothing more, or nothing at all: a job that ended has none left."""
        unfinished = (
            select(steps.c.name, steps.c.status, steps.c.started_at)
            .join(jobs, jobs.c.id == steps.c.job_id)
            .where(jobs.c.run_id == self._run_id, jobs.c.name == job.job)
            .where(steps.c.status.in_([Status.PENDING, Status.RUNNING]))
            .order_by(steps.c.position)
        )
        for name, status, started_at in self._connection.execute(unfinished).all():
            self.write(
                StepFinished(
                    seq=0,
                    time=job.time,
                    run=self._run_id,
                    job=job.job,
                    step=name,
                    status=job.status if status == Status.RUNNING else Status.SKIPPED,
                    reason=job.reason,
                    duration_ms=_milliseconds_between(started_at or job.time, job.time),
                )
            )

    def _add_artifact(self, record: Artifact) -> None:
        place = {"run_id": self._run_id, "job": record.job, "step": record.step, "path": record.path}
        self._connection.execute(delete(artifacts).filter_by(**place))
        self._connection.execute(
            insert(artifacts).values(
                **place, size_bytes=record.size_bytes, sha256=record.sha256, created_at=record.time
            )
        )

    def _job_states(self) -> list[tuple[int, JobState]]:
        query = select(jobs.c.id, jobs.c.plan, jobs.c.status).where(jobs.c.run_id == self._run_id)
        waiting = task_store.jobs_with_tasks(self._connection, self._run_id)
        found = []
        for job_id, text, status in self._connection.execute(query.order_by(jobs.c.position)):
            plan = msgspec.json.decode(text, type=PlannedJob)
            # A job that has been given out already is no longer ours to start.
            known = Status.RUNNING if status == Status.PENDING and job_id in waiting else Status(status)
            state = JobState(
                name=plan.name, workflow=plan.workflow, status=known, depends_on=plan.depends_on, on=plan.on
            )
            found.append((job_id, state))
        return found

    def _cancel_reason(self) -> str | None:
        query = select(runs.c.cancel_reason).where(runs.c.id == self._run_id)
        reason: str | None = self._connection.execute(query).scalar_one()
        return reason

    def has_ended(self) -> bool:
        """True once nothing of the run changes any more."""
        status = self._connection.execute(select(runs.c.status).where(runs.c.id == self._run_id)).scalar_one()
        return Status(status).is_terminal

    def _update_run(self, **values: str | int | bytes) -> None:
        self._connection.execute(update(runs).where(runs.c.id == self._run_id).values(values))

    def _update_job(self, job: str, **values: str | int) -> None:
        ours = (jobs.c.run_id == self._run_id) & (jobs.c.name == job)
        self._connection.execute(update(jobs).where(ours).values(values))

    def _update_step(self, job: str, step: str, **values: str | int | None) -> None:
        job_id = select(jobs.c.id).where(jobs.c.run_id == self._run_id, jobs.c.name == job).scalar_subquery()
        ours = (steps.c.job_id == job_id) & (steps.c.name == step)
        self._connection.execute(update(steps).where(ours).values(values))

    def _keep(self, record: AnyRecord) -> None:
        seq = self._connection.execute(
            update(runs)
            .where(runs.c.id == self._run_id)
            .values(last_seq=runs.c.last_seq + 1)
            .returning(runs.c.last_seq)
        ).scalar_one()
        numbered = msgspec.structs.replace(record, seq=seq)
        self._connection.execute(insert(records).values(run_id=self._run_id, seq=seq, body=encode(numbered)))


def _milliseconds_between(earlier: str, later: str) -> int:
    elapsed = datetime.fromisoformat(later) - datetime.fromisoformat(earlier)
    return max(0, round(elapsed.total_seconds() * 1000))
