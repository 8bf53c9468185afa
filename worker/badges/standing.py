"""Standing: how a branch, or one workflow of it, came out the last time."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, Subquery, select

from pipelines.event import EventKind, Repository
from pipelines.status import Status, worst
from worker.badges.audience import Audience
from worker.store.repositories import StoredRepository
from worker.store.tables import jobs, runs

_LATEST = 20
_MOST_RUNS = 2000  # of the branch: what a stranger may ask for costs a bounded number of looks into an index
_PULL_REQUESTS = [kind.value for kind in EventKind if kind.is_pull_request]


class _What(msgspec.Struct, frozen=True):
    """What of an event says whether everybody may see its repository."""

    repository: Repository = Repository()


def standing(connection: Connection, repository_id: int, *, branch: str, workflow: str = "") -> Status | None:
    """The status of the last run on the branch that has ended, or of a workflow in it; `""`: any branch, all workflows.

    Where none has ended yet, that of the latest; None if nothing was run. Pull requests and skipped runs don't count.
    """
    latest = None
    for status in _statuses(connection, _runs(repository_id, branch), workflow):
        if status is Status.SKIPPED:
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
        is_private = msgspec.json.decode(event, type=_What).repository.private
        if is_private is not None:
            return not is_private
    return False


def _runs(repository_id: int, branch: str) -> Select[Any]:
    """The runs on a branch, the latest: found by an index, newest first."""
    query = select(runs.c.id, runs.c.number, runs.c.status).where(runs.c.repository_id == repository_id)
    on_branch = query.where(runs.c.branch == branch) if branch else query
    asked = on_branch.where(runs.c.kind.not_in(_PULL_REQUESTS))
    return asked.order_by(runs.c.number.desc()).limit(_MOST_RUNS)


def _statuses(connection: Connection, latest: Select[Any], workflow: str) -> Iterator[Status]:
    """How each of these runs came out, or the workflow in it where there is one: the latest first."""
    rows = connection.execute(_jobs(latest.subquery(), workflow) if workflow else latest)
    for _, of_run in groupby(rows, key=attrgetter("number")):
        yield _together([Status(row.status) for row in of_run])


def _jobs(latest: Subquery, workflow: str) -> Select[Any]:
    """The jobs of a workflow in these runs, whatever their cells of a matrix are."""
    cells = jobs.c.name.startswith(f"{workflow} (", autoescape=True)
    ours = (jobs.c.run_id == latest.c.id) & ((jobs.c.name == workflow) | cells)
    return select(latest.c.number, jobs.c.status).join(jobs, ours).order_by(latest.c.number.desc())


def _together(found: Sequence[Status]) -> Status:
    """The worst status of these, or that of one that goes on."""
    return next((status for status in found if not status.is_terminal), None) or worst(found)
