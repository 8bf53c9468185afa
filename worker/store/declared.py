"""Declared parameters: the inputs that a repository's workflow files ask for, as its latest runs have found them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import ColumnElement, Connection, select

from pipelines.details import Parameter
from pipelines.event import Event, EventKind
from pipelines.plan import PlannedJob
from worker.store.tables import jobs, runs

_OF_TIPS = frozenset({EventKind.PUSH, EventKind.MANUAL, EventKind.CRON})
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


def misfits(connection: Connection, run_id: str, event: Event) -> dict[str, str]:
    """What is wrong with the values of an event that is to run what a run has planned: by parameter.

    A value counts as wrong if no workflow takes it: which of them this event runs, planning says.
    """
    asking: dict[str, list[Parameter]] = {}
    for job in _jobs_of(connection, run_id):
        for name, parameter in job.params.items() if not event.workflows or job.workflow in event.workflows else ():
            asking.setdefault(name, []).append(parameter)
    found = {name: _complaint(asking.get(name, ()), value) for name, value in event.params.items()}
    return {name: complaint for name, complaint in found.items() if complaint}


def _complaint(asking: Sequence[Parameter], value: str) -> str:
    complaints = [parameter.complaint(value) for parameter in asking]
    return f"{complaints[0]}, not {value[:40]!r}" if complaints and all(complaints) else ""


def run_at_tip(connection: Connection, repository_id: int, branch: str) -> str:
    """The run that shows best what is in a branch's files now; `""` if none does."""
    query = (
        select(runs.c.id, runs.c.event, _has_jobs().label("is_planned"))
        .where(runs.c.repository_id == repository_id, runs.c.branch == branch)
        .order_by(runs.c.number.desc())
        .limit(_MOST)
    )
    for run_id, event, is_planned in connection.execute(query):
        known = msgspec.json.decode(event, type=Event)
        if _is_of_tip(known) and (is_planned or known.kind is EventKind.PUSH):
            return str(run_id)  # a push that is not planned yet may have changed them: that has no jobs to ask
    return ""


def _is_of_tip(event: Event) -> bool:
    return event.kind in _OF_TIPS and not event.parent and not event.asked_sha


def _has_jobs() -> ColumnElement[bool]:
    return select(jobs.c.id).where(jobs.c.run_id == runs.c.id).exists()


def _jobs_of(connection: Connection, run_id: str) -> list[PlannedJob]:
    plans = select(jobs.c.plan).where(jobs.c.run_id == run_id).order_by(jobs.c.position)
    return [msgspec.json.decode(plan, type=PlannedJob) for plan in connection.execute(plans).scalars()]


def _latest_jobs(connection: Connection, repository_id: int, branch: str) -> list[PlannedJob]:
    return _jobs_of(connection, _latest_run(connection, repository_id, branch))


def _latest_run(connection: Connection, repository_id: int, branch: str) -> str:
    planned = list(_planned_runs(connection, repository_id))
    of_branch = (run_id for run_id, event in planned if event.branch == branch and event.pull_request is None)
    others = (run_id for run_id, event in planned if event.pull_request is None)
    return next(of_branch, next(others, ""))


def _planned_runs(connection: Connection, repository_id: int) -> Iterator[tuple[str, Event]]:
    """The latest runs that have jobs. Those of pull requests may be of anybody's files."""
    query = (
        select(runs.c.id, runs.c.event)
        .where(runs.c.repository_id == repository_id, _has_jobs())
        .order_by(runs.c.number.desc())
        .limit(_MOST)
    )
    for run_id, event in connection.execute(query):
        yield run_id, msgspec.json.decode(event, type=Event)
