"""Jobs that a person must let begin: which they are, and when one of them is to wait.

DESIGN. A step that asks for approval makes its job wait before it begins, in the database: without a container, a
workspace or a worker, so for days if need be, and whatever is restarted meanwhile. Nothing of the job runs before. What
is to run first stands in a workflow of its own, and hands on what it made as artifacts and outputs.
"""

from datetime import UTC, datetime, timedelta

import msgspec
from sqlalchemy import Connection, select, update

from pipelines.details import Approval
from pipelines.plan import PlannedJob
from pipelines.status import Status
from worker.store.tables import jobs

LONGEST_WAIT = timedelta(days=7)


def ask(connection: Connection, job_id: int) -> bool:
    """Have a job wait for a person, if a step of it asks for one; False if none does."""
    asked = approvals_in(plan_of(connection, job_id))
    if not asked:
        return False
    waits = min([timedelta(seconds=each.timeout) for each in asked if each.timeout], default=LONGEST_WAIT)
    until = (datetime.now(UTC) + waits).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    connection.execute(update(jobs).where(jobs.c.id == job_id).values(status=Status.BLOCKED.value, decide_until=until))
    return True


def approvals_in(job: PlannedJob) -> tuple[Approval, ...]:
    """What the job's steps ask for."""
    return tuple(step.approval for step in job.included_steps if step.approval) if job.included else ()


def plan_of(connection: Connection, job_id: int) -> PlannedJob:
    """The job as it was planned."""
    text = connection.execute(select(jobs.c.plan).where(jobs.c.id == job_id)).scalar_one()
    return msgspec.json.decode(text, type=PlannedJob)
