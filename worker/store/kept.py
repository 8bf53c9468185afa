"""Kept jobs: when only what failed is run again, jobs that succeeded count as done, with all that they left.

DESIGN. The new run is planned anew, so its variables are its own. Once its jobs are known, the history of those that
are kept is written once more, in the new run: outputs, attempts and artifacts are then found where those of any job
are, and whoever waits for such a job goes on at once. The files are linked before the run is there at all.
"""

from collections.abc import Callable, Iterable, Sequence

import msgspec
from sqlalchemy import Connection, select

from pipelines.plan import PlannedJob
from pipelines.records import (
    AnyRecord,
    Artifact,
    JobFinished,
    JobStarted,
    StepFinished,
    StepRetried,
    StepStarted,
    decode,
)
from pipelines.status import Status
from worker.errors import Conflict
from worker.store.queries import StoredRun
from worker.store.tables import jobs, records, runs

_OF_A_JOB = JobStarted | StepStarted | StepRetried | StepFinished | Artifact | JobFinished
_KEPT = "done in run "


def jobs_to_keep(connection: Connection, run: StoredRun) -> frozenset[str]:
    """The jobs of a run that need not be done again. Raises Conflict if the run goes on, or nothing of it failed."""
    if not run.status.is_terminal:
        raise Conflict(f"run {run.number} of {run.repository} goes on: what fails in it is known when it has ended")
    if run.status is Status.SUCCESS:
        raise Conflict(f"nothing of run {run.number} of {run.repository} has failed: run all of it again")
    return _kept(connection, run.id)


def take_over(
    connection: Connection, run_id: str, planned: Iterable[PlannedJob], write: Callable[[AnyRecord], None]
) -> None:
    """Have the jobs of a new run done that an earlier one has done for it, if there is one. `write` makes it true."""
    earlier = connection.execute(select(runs.c.kept_from).where(runs.c.id == run_id)).scalar_one()
    if earlier is None:
        return
    names = _kept(connection, earlier) & {job.name for job in planned if job.included}
    for record in _records_of(connection, earlier, names):
        write(_retold(record, run_id, _number_of(connection, earlier)))


def _kept(connection: Connection, run_id: str) -> frozenset[str]:
    """The jobs that succeeded, as did all that they waited for: what ran because something failed may not run now."""
    query = select(jobs.c.plan, jobs.c.status).where(jobs.c.run_id == run_id).order_by(jobs.c.position)
    rows = [(msgspec.json.decode(plan, type=PlannedJob), Status(status)) for plan, status in connection.execute(query)]
    done = {job.name: job for job, status in rows if job.included and status is Status.SUCCESS}
    included = [job for job, _ in rows if job.included]
    while broken := [name for name, job in done.items() if not _is_ready(job, included, done.keys())]:
        for name in broken:
            del done[name]
    return frozenset(done)


def _is_ready(job: PlannedJob, included: Sequence[PlannedJob], done: Iterable[str]) -> bool:
    known = frozenset(done)
    return all(other.name in known for other in included if other.workflow in job.depends_on)


def _number_of(connection: Connection, run_id: str) -> int:
    return int(connection.execute(select(runs.c.number).where(runs.c.id == run_id)).scalar_one())


def _records_of(connection: Connection, run_id: str, names: frozenset[str]) -> list[_OF_A_JOB]:
    query = select(records.c.body).where(records.c.run_id == run_id).order_by(records.c.seq)
    found = (decode(body) for body in connection.execute(query).scalars().all())
    return [record for record in found if isinstance(record, _OF_A_JOB) and record.job in names]


def _retold(record: _OF_A_JOB, run_id: str, number: int) -> AnyRecord:
    ours = msgspec.structs.replace(record, run=run_id)
    if isinstance(ours, JobFinished) and not ours.reason.startswith(_KEPT):
        return msgspec.structs.replace(ours, reason=f"{_KEPT}{number}")
    return ours
