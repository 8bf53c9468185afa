"""Runs as they are read: one by id or number, the latest of all or of a repository, and their Records."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, select

from pipelines.event import Event, EventKind
from pipelines.problems import Problem
from pipelines.records import ImagePull, JobStarted, StepFinished, StepRetried, decode
from pipelines.status import Status
from worker.errors import Gone, NotFound
from worker.store.tables import records, repositories, runs, tasks

_ENDS = re.compile(rb'^\{"type":"step_(?:finished|retried)"')
_PULLS = re.compile(rb'^\{"type":"(?:image_pull|job_started)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A run. Times are RFC 3339 text; `repository_url` is the repository's page at its forge, or `""`."""

    id: str
    number: int
    owner: str
    name: str
    repository_url: str
    event: Event
    status: Status
    reason: str
    created_at: str
    started_at: str | None
    finished_at: str | None
    duration_ms: int | None

    @property
    def repository(self) -> str:
        """`owner/name`."""
        return f"{self.owner}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecord:
    """A Record of a run's history: its number in the run, and its JSON line."""

    seq: int
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which runs a list is to show: those with all of this; None and `""` let every run in. `kind` is the event's."""

    branch: str = ""
    status: Status | None = None
    kind: EventKind | None = None
    author: str = ""

    def narrow(self, query: Select[Any]) -> Select[Any]:
        """The query, for these runs only."""
        pairs = {"branch": self.branch, "status": self.status, "kind": self.kind, "author": self.author}
        return query.filter_by(**{column: str(value) for column, value in pairs.items() if value})


EVERY_RUN = Wanted()


def latest_runs(
    connection: Connection, *, limit: int, before: str | None = None, wanted: Wanted = EVERY_RUN
) -> list[StoredRun]:
    """The latest runs over all repositories, latest first; those that are older than the run `before`, if it is given.

    The ids of runs sort by time.
    """
    query = wanted.narrow(_query())
    if before is not None:
        query = query.where(runs.c.id < before)
    return _runs(connection, query.order_by(runs.c.id.desc()).limit(limit))


def runs_of(
    connection: Connection,
    repository_id: int,
    *,
    limit: int,
    before: int | None = None,
    wanted: Wanted = EVERY_RUN,
) -> list[StoredRun]:
    """The latest runs of a repository, latest first; those with a lower number than `before`, if it is given."""
    query = wanted.narrow(_query()).where(runs.c.repository_id == repository_id)
    if before is not None:
        query = query.where(runs.c.number < before)
    return _runs(connection, query.order_by(runs.c.number.desc()).limit(limit))


def run_with_id(connection: Connection, run_id: str) -> StoredRun:
    """The run with this id. Raises NotFound."""
    found = _runs(connection, _query().where(runs.c.id == run_id))
    if not found:
        raise NotFound(f"there is no run {run_id}")
    return found[0]


def run_numbered(connection: Connection, owner: str, name: str, number: int) -> StoredRun:
    """The run with this number in the repository `owner/name`. Raises NotFound, or Gone if there was one."""
    query = _query().where(repositories.c.owner == owner, repositories.c.name == name, runs.c.number == number)
    found = _runs(connection, query)
    if not found:
        ours = (repositories.c.owner == owner, repositories.c.name == name, repositories.c.last_number >= number)
        if connection.execute(select(repositories.c.id).where(*ours)).first():
            raise Gone(f"run {number} of {owner}/{name} is not kept any more: retention has removed it")
        raise NotFound(f"there is no run {number} of {owner}/{name}")
    return found[0]


def runs_of_tasks(connection: Connection, task_ids: Sequence[str]) -> dict[str, StoredRun]:
    """The run that each of these tasks is of, of those that are there."""
    query = _query().add_columns(tasks.c.id.label("task")).join(tasks, tasks.c.run_id == runs.c.id)
    rows = connection.execute(query.where(tasks.c.id.in_(task_ids))).mappings()
    found = {}
    for row in rows:
        columns = dict(row)
        task = columns.pop("task")
        found[task] = _run(columns)
    return found


def problems_of(connection: Connection, run_id: str) -> tuple[Problem, ...]:
    """What is wrong with a run's workflow files, or rarely meant; nothing before they are read."""
    text = connection.execute(select(runs.c.problems).where(runs.c.id == run_id)).scalar_one_or_none()
    return msgspec.json.decode(text, type=tuple[Problem, ...]) if text else ()


def records_after(connection: Connection, run_id: str, seq: int, *, limit: int) -> list[StoredRecord]:
    """The next Records of a run's history after the one numbered `seq`, in order."""
    query = select(records.c.seq, records.c.body).where(records.c.run_id == run_id, records.c.seq > seq)
    rows = connection.execute(query.order_by(records.c.seq).limit(limit))
    return [StoredRecord(seq=number, body=body) for number, body in rows]


def last_record(connection: Connection, run_id: str) -> StoredRecord | None:
    """The last Record of a run's history so far; None before the first."""
    query = select(records.c.seq, records.c.body).where(records.c.run_id == run_id)
    row = connection.execute(query.order_by(records.c.seq.desc()).limit(1)).one_or_none()
    return StoredRecord(seq=row.seq, body=row.body) if row else None


def ends_of_attempts(connection: Connection, run_id: str) -> Iterator[StepRetried | StepFinished]:
    """How the attempts at a run's steps have ended so far, in the order they did."""
    query = select(records.c.body).where(records.c.run_id == run_id).order_by(records.c.seq)
    for body in connection.execute(query).scalars():
        if _ENDS.search(body):  # a plan, say, is large
            record = decode(body)
            if isinstance(record, StepRetried | StepFinished):
                yield record


def pulls_under_way(connection: Connection, run_id: str) -> list[ImagePull]:
    """Where the pulls of a run's jobs stand that have not ended. Those of a lost attempt at a job don't count."""
    query = select(records.c.body).where(records.c.run_id == run_id).order_by(records.c.seq)
    found: dict[tuple[str, str, tuple[str, ...]], ImagePull] = {}
    for body in connection.execute(query).scalars():
        record = decode(body) if _PULLS.search(body) else None
        if isinstance(record, JobStarted):
            found = {key: pull for key, pull in found.items() if pull.job != record.job}
        elif isinstance(record, ImagePull):
            found[record.job, record.image, record.steps] = record
    return [pull for pull in found.values() if not pull.progress.has_ended]


def _query() -> Select[Any]:
    return select(
        runs.c.id,
        runs.c.number,
        repositories.c.owner,
        repositories.c.name,
        repositories.c.url.label("repository_url"),
        runs.c.event,
        runs.c.status,
        runs.c.reason,
        runs.c.created_at,
        runs.c.started_at,
        runs.c.finished_at,
        runs.c.duration_ms,
    ).join(repositories, repositories.c.id == runs.c.repository_id)


def _runs(connection: Connection, query: Select[Any]) -> list[StoredRun]:
    return [_run(dict(row)) for row in connection.execute(query).mappings()]


def _run(columns: dict[str, Any]) -> StoredRun:
    columns["event"] = msgspec.json.decode(columns["event"], type=Event)
    columns["status"] = Status(columns["status"])
    return StoredRun(**columns)
