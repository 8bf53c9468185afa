"""The course of a run: which of its jobs start now, which can't any more, and whether it is over."""

import msgspec
from sqlalchemy import Connection, select

from pipelines.plan import PlannedJob
from pipelines.progress import NOTHING_TO_DO, JobState, is_cancelled_by_job, next_moves
from pipelines.records import StepFinished
from pipelines.status import Status, worst
from worker.store import tasks as task_store
from worker.store.asking import ask
from worker.store.ledger import Ledger
from worker.store.tables import jobs


def go_on(ledger: Ledger) -> None:
    """Start the jobs whose turn has come, skip those that can't run any more, end the run after the last.

    Of a run that is to be cancelled no job starts any more, and it never ends as a success.
    """
    cancel_reason = ledger.cancel_reason()
    if cancel_reason is not None:
        _end_asking(ledger, cancel_reason)
    while not ledger.has_ended():
        states = _job_states(ledger)
        moves = next_moves([state for _, state in states])
        ids = {state.name: job_id for job_id, state in states}
        for name in moves.start:
            if cancel_reason is not None:
                ledger.end_job(ids[name], Status.CANCELLED, cancel_reason)
            elif not ask(ledger.connection, ids[name]):
                task_store.add_job_task(ledger.connection, ledger.run_id, ids[name], attempt=1)
        for name, reason in moves.skip:
            ledger.end_job(ids[name], Status.SKIPPED, reason)
        if moves.finished and cancel_reason is not None:
            by_job = is_cancelled_by_job([state for _, state in states])
            ledger.end_run(moves.finished if by_job else worst([moves.finished, Status.CANCELLED]), cancel_reason)
        elif moves.finished:
            ledger.end_run(moves.finished, "" if states else NOTHING_TO_DO)
        if not moves.skip and not (moves.start and cancel_reason is not None):
            return


def cancel_reason_of(connection: Connection, end: StepFinished) -> str:
    """Why this end of a step cancels its whole run; empty if it doesn't. One that was itself cancelled does not."""
    if end.status not in (Status.FAILURE, Status.TIMED_OUT, Status.ERROR):
        return ""
    query = select(jobs.c.plan).where(jobs.c.run_id == end.run, jobs.c.name == end.job)
    plan = msgspec.json.decode(connection.execute(query).scalar_one(), type=PlannedJob)
    kinds = {"service": plan.services, "step": plan.steps}
    found = (
        kind for kind, steps in kinds.items() for step in steps if (step.name, step.failure) == (end.step, "cancel")
    )
    kind = next(found, "")
    return f"{kind} {end.step} failed and cancels the run" if kind else ""


def _end_asking(ledger: Ledger, reason: str) -> None:
    """Nobody needs to decide any more."""
    waiting = (jobs.c.run_id == ledger.run_id) & (jobs.c.status == Status.BLOCKED.value)
    for job_id in ledger.connection.execute(select(jobs.c.id).where(waiting)).scalars().all():
        ledger.end_job(job_id, Status.CANCELLED, reason)


def _job_states(ledger: Ledger) -> list[tuple[int, JobState]]:
    query = select(jobs.c.id, jobs.c.plan, jobs.c.status).where(jobs.c.run_id == ledger.run_id)
    given = task_store.jobs_with_tasks(ledger.connection, ledger.run_id)
    found = []
    for job_id, text, status in ledger.connection.execute(query.order_by(jobs.c.position)):
        plan = msgspec.json.decode(text, type=PlannedJob)
        # A job that has been given out already is no longer ours to start.
        known = Status.RUNNING if status == Status.PENDING and job_id in given else Status(status)
        found.append((job_id, JobState.of(plan, known)))
    return found
