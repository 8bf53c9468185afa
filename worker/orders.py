"""Orders: what a worker is told of a task, put together from our own records."""

from datetime import datetime
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import Connection, Row, select

from pipelines.event import Event, System
from pipelines.outputs import waits_for_outputs, with_outputs, written_by
from pipelines.plan import PlannedJob
from worker.context import run_path
from worker.exchange import JobOrder, Order, PlanOrder
from worker.store import queries
from worker.store.previous import previous_run
from worker.store.tables import jobs, repositories, runs
from worker.store.tasks import StoredTask


def order_of(connection: Connection, task: StoredTask, server_url: str) -> Order:
    """The order that says what this task is about. `server_url` is how the server is reached."""
    row = connection.execute(
        select(
            runs.c.event,
            runs.c.number,
            runs.c.created_at.label("run_created_at"),
            jobs.c.plan,
            repositories,
        )
        .join(repositories, repositories.c.id == runs.c.repository_id)
        .outerjoin(jobs, jobs.c.id == task.job_id)
        .where(runs.c.id == task.run_id)
    ).one()
    event = _event(connection, row, server_url)
    if row.plan is None:
        return PlanOrder(task=task.id, run=task.run_id, event=event)
    job = _with_outputs(connection, task.run_id, msgspec.json.decode(row.plan, type=PlannedJob))
    return JobOrder(task=task.id, run=task.run_id, event=event, attempt=task.attempt, job=job)


def _with_outputs(connection: Connection, run_id: str, job: PlannedJob) -> PlannedJob:
    """The job with what steps of those before it have written for it."""
    if not job.depends_on:
        return job
    query = select(jobs.c.plan).where(jobs.c.run_id == run_id).order_by(jobs.c.position)
    siblings = [msgspec.json.decode(plan, type=PlannedJob) for plan in connection.execute(query).scalars()]
    if not waits_for_outputs(job, siblings):
        return job
    return with_outputs(job, siblings, written_by(queries.ends_of_attempts(connection, run_id)))


def _event(connection: Connection, row: Row[Any], server_url: str) -> Event:
    """The stored event with what we know ourselves: where to clone from is our own record's word, never a payload's."""
    event = msgspec.json.decode(row.event, type=Event)
    repository = msgspec.structs.replace(
        event.repository,
        owner=row.owner,
        name=row.name,
        forge_type=row.forge,
        clone_url=row.clone_url,
        url=row.url,
        default_branch=row.default_branch,
    )
    return msgspec.structs.replace(
        event,
        repository=repository,
        previous=previous_run(connection, event, repository_id=row.id, number=row.number, server_url=server_url),
        number=row.number,
        url=server_url + run_path(f"{row.owner}/{row.name}", row.number),
        created_at=int(datetime.fromisoformat(row.run_created_at).timestamp()),
        system=System(url=server_url, host=urlsplit(server_url).hostname or "", version=version("headrace")),
    )
