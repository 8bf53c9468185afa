"""History: what workers report, and what the server has to say itself, becomes true, and a run goes on.

DESIGN. Workers number the Records of each task. A Record is taken within the transaction that notes its number, so one
that is sent twice counts once, and one before which another is missing (Redis may lose some) is left until that comes
again. Records of a task that has ended are refused. What the server itself has to say (a job skipped, a worker lost,
the run's end) is a Record too, and goes into the same `ledger`; `course` says what of the run comes next.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, update

from pipelines.records import AnyRecord, JobFinished, RunFinished, RunStarted, StepFinished
from pipelines.status import Status
from worker.errors import Conflict
from worker.store import kept
from worker.store import tasks as task_store
from worker.store.anew import begin_anew
from worker.store.course import cancel_reason_of, go_on
from worker.store.ledger import Ledger
from worker.store.tables import runs
from worker.store.tasks import StoredTask, TaskState

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
    ledger = Ledger(connection, task.run_id)
    cancels = ""
    for record in fresh:
        ledger.write(record)
        if isinstance(record, StepFinished):
            cancels = cancels or cancel_reason_of(connection, record)
        if isinstance(record, RunStarted) and not record.plan.has_errors:
            kept.take_over(connection, task.run_id, record.plan.jobs, ledger.write)
    if cancels:
        _ask_to_cancel(connection, task.run_id, cancels)
    if is_over or cancels:
        go_on(ledger)
    return fresh


def declare_lost(connection: Connection, task: StoredTask, reason: str) -> None:
    """The worker that had this task is gone. A planning is asked for again, and a job whose steps say so.

    Any other job, and its steps, end as *lost*.
    """
    task_store.advance(connection, task.id, last_seq=task.last_seq, state=TaskState.ENDED)
    ledger = Ledger(connection, task.run_id)
    if task.job_id is not None:
        if not begin_anew(ledger, task.job_id, attempt=task.attempt, reason=reason):
            ledger.end_job(task.job_id, Status.LOST, reason)
        go_on(ledger)
    elif task.attempt < _PLANNING_ATTEMPTS:
        task_store.add_planning_task(connection, task.run_id, attempt=task.attempt + 1)
    else:
        ledger.end_run(Status.LOST, reason)


def cancel(connection: Connection, run_id: str, reason: str) -> None:
    """Note that a run is to end before its time. What no worker has yet ends at once; the dispatcher sees to the rest.

    Raises Conflict if the run has ended already. To ask again changes nothing.
    """
    ledger = Ledger(connection, run_id)
    if ledger.has_ended():
        raise Conflict("the run has ended already")
    _ask_to_cancel(connection, run_id, reason)
    go_on(ledger)


def _ask_to_cancel(connection: Connection, run_id: str, reason: str) -> None:
    """The first reason counts."""
    unasked = (runs.c.id == run_id) & runs.c.cancel_reason.is_(None)
    connection.execute(update(runs).where(unasked).values(cancel_reason=reason))


def end_withdrawn(connection: Connection, task: StoredTask, status: Status, reason: str) -> None:
    """End a task that no worker has taken and none can take any more."""
    current = task_store.find(connection, task.id)
    if current is None or current.state is TaskState.ENDED:
        return
    task_store.advance(connection, task.id, last_seq=task.last_seq, state=TaskState.ENDED)
    ledger = Ledger(connection, task.run_id)
    if task.job_id is None:
        ledger.end_run(status, reason)
    else:
        ledger.end_job(task.job_id, status, reason)
        go_on(ledger)


def end_asked(connection: Connection, run_id: str, job_id: int, status: Status, reason: str) -> None:
    """End a job that waits for a person, who has not let it begin."""
    ledger = Ledger(connection, run_id)
    ledger.end_job(job_id, status, reason)
    go_on(ledger)
