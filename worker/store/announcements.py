"""Announcements: what became of runs and jobs goes into the outbox, in the transaction in which it comes true.

Of a repository without a token for its forge nothing is said; of a commit whose full id is not known yet neither.
"""

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, select

from pipelines.event import Event
from pipelines.records import AnyRecord, JobFinished, JobStarted, RunFinished, RunStarted
from pipelines.status import Status
from worker.secrets.credential import CredentialKind
from worker.statuses.commitstatus import Told
from worker.statuses.wording import context_of_job, context_of_run, phrase, ref_at_forge
from worker.store.outbox import Saying, put
from worker.store.tables import credentials, jobs, repositories, runs

_FULL_SHA = (40, 64)


def announce(connection: Connection, record: AnyRecord) -> None:
    """Have said what this Record, which is true by now, has changed of its run or of a job."""
    match record:
        case RunStarted():
            announce_run(connection, record.run)
            _announce_jobs(connection, record.run)
        case RunFinished():
            announce_run(connection, record.run)
        case JobStarted() | JobFinished():
            _announce_jobs(connection, record.run, record.job)


def announce_run(connection: Connection, run_id: str) -> None:
    """Have said where a run stands."""
    row = connection.execute(_query(runs).where(runs.c.id == run_id)).one_or_none()
    if row is not None and Told(row.told).has_runs:
        event = msgspec.json.decode(row.event, type=Event)
        _put(connection, row, event, context_of_run(event))


def _announce_jobs(connection: Connection, run_id: str, job: str | None = None) -> None:
    """Have said where the jobs of a run stand, or one of them; of those that the plan leaves out nothing."""
    query = _query(jobs).join(jobs, jobs.c.run_id == runs.c.id).add_columns(jobs.c.name, jobs.c.reason)
    query = query.where(runs.c.id == run_id)
    rows = connection.execute(query.where(jobs.c.name == job) if job else query.where(jobs.c.status == Status.PENDING))
    for row in rows.all():
        if Told(row.told).has_jobs:
            event = msgspec.json.decode(row.event, type=Event)
            _put(connection, row, event, context_of_job(event, row.name))


def _query(table: Any) -> Select[Any]:
    """Where these stand, in repositories whose forge is told."""
    return (
        select(
            runs.c.id.label("run_id"),
            runs.c.repository_id,
            runs.c.number,
            runs.c.event,
            repositories.c.told,
            table.c.status,
            table.c.reason,
            table.c.duration_ms,
        )
        .select_from(runs)
        .join(repositories, repositories.c.id == runs.c.repository_id)
        .join(credentials, credentials.c.repository_id == repositories.c.id)
        .where(credentials.c.kind == CredentialKind.FORGE_TOKEN.value, repositories.c.told != Told.NONE.value)
    )


def _put(connection: Connection, row: Row[Any], event: Event, context: str) -> None:
    if len(event.sha) not in _FULL_SHA:
        return
    status = Status(row.status)
    said = Saying(
        repository_id=row.repository_id,
        run_id=row.run_id,
        number=row.number,
        sha=event.sha,
        context=context,
        ref=ref_at_forge(event),
        status=status,
        description=phrase(status, reason=row.reason, duration_ms=row.duration_ms),
    )
    put(connection, said)
