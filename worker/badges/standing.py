"""Standing: how a branch, or one workflow of it, came out the last time."""

from collections.abc import Iterator
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from pipelines.event import EventKind, Repository
from pipelines.status import Status, worst
from worker.badges.audience import Audience
from worker.store.repositories import StoredRepository
from worker.store.tables import jobs, runs

_PAGE = 200
_MOST_PAGES = 10  # of runs: the branch is in their events
_LATEST = 20
_SAY_NOTHING = frozenset({Status.SKIPPED})


class _Where(msgspec.Struct, frozen=True):
    """What of an event says which branch it is of, and whether everybody may see that."""

    kind: EventKind = EventKind.PUSH
    branch: str = ""
    repository: Repository = Repository()


class _Whose(msgspec.Struct, frozen=True):
    """What of a planned job says which workflow it is of."""

    workflow: str = ""


def standing(connection: Connection, repository_id: int, *, branch: str, workflow: str = "") -> Status | None:
    """The status of the last run on the branch that has ended, or of a workflow in it; `""`: any branch, all workflows.

    Where none has ended yet, that of the latest; None if nothing was run. Pull requests and skipped runs don't count.
    """
    latest = None
    for run in _runs(connection, repository_id, branch):
        status = _of_workflow(connection, run.id, workflow) if workflow else Status(run.status)
        if status is None or status in _SAY_NOTHING:
            continue
        if status.is_terminal:
            return status
        latest = latest or status
    return latest


def is_for_everybody(connection: Connection, repository: StoredRepository) -> bool:
    """True if everybody may see this: it is set so, or its forge called it public when it last said which it is."""
    if repository.badge is not Audience.AUTO:
        return repository.badge is Audience.PUBLIC
    query = select(runs.c.event).where(runs.c.repository_id == repository.id)
    for event in connection.execute(query.order_by(runs.c.number.desc()).limit(_LATEST)).scalars():
        is_private = msgspec.json.decode(event, type=_Where).repository.private
        if is_private is not None:
            return not is_private
    return False


def _runs(connection: Connection, repository_id: int, branch: str) -> Iterator[Any]:
    """The runs on a branch, the latest first."""
    before = 2**31 - 1
    for _ in range(_MOST_PAGES):
        query = select(runs.c.id, runs.c.number, runs.c.status, runs.c.event)
        page = query.where(runs.c.repository_id == repository_id, runs.c.number < before)
        rows = connection.execute(page.order_by(runs.c.number.desc()).limit(_PAGE)).all()
        yield from (row for row in rows if _is_on(row.event, branch))
        if len(rows) < _PAGE:
            return
        before = rows[-1].number


def _is_on(event: bytes, branch: str) -> bool:
    where = msgspec.json.decode(event, type=_Where)
    return not where.kind.is_pull_request and (not branch or where.branch == branch)


def _of_workflow(connection: Connection, run_id: str, workflow: str) -> Status | None:
    """The worst status of a workflow's jobs, or that of one that goes on; None if the run has none of them."""
    rows = connection.execute(select(jobs.c.plan, jobs.c.status).where(jobs.c.run_id == run_id))
    found = [Status(row.status) for row in rows if msgspec.json.decode(row.plan, type=_Whose).workflow == workflow]
    if not found:
        return None
    return next((status for status in found if not status.is_terminal), None) or worst(found)
