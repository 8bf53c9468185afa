"""Declared parameters: the inputs that a repository's workflow files ask for, as its latest runs have found them."""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, select

from pipelines.details import Parameter
from pipelines.event import Event
from pipelines.plan import PlannedJob
from worker.store.tables import jobs, runs

_MOST = 100  # runs looked at: the branch is in their events


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredParameter:
    """An input, and the workflows that ask for it. Where they differ on its form, the first one's word counts."""

    name: str
    parameter: Parameter
    workflows: tuple[str, ...]


def declared_parameters(connection: Connection, repository_id: int, branch: str) -> list[DeclaredParameter]:
    """The inputs that the last planned run of a branch has asked for; of any ref, if there was none of this branch."""
    found: dict[str, DeclaredParameter] = {}
    for job in _latest_jobs(connection, repository_id, branch):
        for name, parameter in job.params.items():
            known = found.get(name) or DeclaredParameter(name=name, parameter=parameter, workflows=())
            workflows = tuple(dict.fromkeys((*known.workflows, job.workflow)))
            found[name] = DeclaredParameter(name=name, parameter=known.parameter, workflows=workflows)
    return list(found.values())


def _latest_jobs(connection: Connection, repository_id: int, branch: str) -> list[PlannedJob]:
    run_id = _latest_run(connection, repository_id, branch)
    plans = select(jobs.c.plan).where(jobs.c.run_id == run_id).order_by(jobs.c.position)
    return [msgspec.json.decode(plan, type=PlannedJob) for plan in connection.execute(plans).scalars()]


def _latest_run(connection: Connection, repository_id: int, branch: str) -> str:
    planned = list(_planned_runs(connection, repository_id))
    of_branch = (run_id for run_id, event in planned if event.branch == branch and event.pull_request is None)
    others = (run_id for run_id, event in planned if event.pull_request is None)
    return next(of_branch, next(others, ""))


def _planned_runs(connection: Connection, repository_id: int) -> Iterator[tuple[str, Event]]:
    """The latest runs that have jobs. Those of pull requests may be of anybody's files."""
    query = (
        select(runs.c.id, runs.c.event)
        .where(runs.c.repository_id == repository_id, select(jobs.c.id).where(jobs.c.run_id == runs.c.id).exists())
        .order_by(runs.c.number.desc())
        .limit(_MOST)
    )
    for run_id, event in connection.execute(query):
        yield run_id, msgspec.json.decode(event, type=Event)
