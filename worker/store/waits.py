"""What runs, jobs and steps wait for: the facts looked up, the phrases made of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec
from sqlalchemy import Connection, select

from pipelines.plan import PlannedJob
from pipelines.records import ImagePull
from pipelines.status import Status
from worker.store import queries, turns
from worker.store import tasks as task_store
from worker.store.asking import approvals_in
from worker.store.tables import jobs, steps, tasks
from worker.store.tasks import TaskState
from worker.waiting.crew import Crew, classes_of
from worker.waiting.phrases import (
    FOR_APPROVAL,
    FOR_ITS_JOB,
    FOR_REDIS,
    FOR_TAKING,
    Facts,
    approval_phrase,
    job_phrase,
    pull_phrase,
    step_phrase,
    task_phrase,
)
from worker.waiting.turns import WaitingTask

_OPEN = (Status.PENDING, Status.RUNNING, Status.BLOCKED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Phrases for those that wait: of a run, of its jobs and of its steps, these by the names of job and step."""

    run: str = ""
    jobs: Mapping[str, str] = field(default_factory=dict)
    steps: Mapping[tuple[str, str], str] = field(default_factory=dict)


NO_WAITS = Waits()


def waits_of_run(connection: Connection, run_id: str, status: Status, crew: Crew) -> Waits:
    """What a run and its parts wait for; nothing once it has ended."""
    if status not in _OPEN:
        return Waits()
    if status is Status.BLOCKED:
        return Waits(run=FOR_APPROVAL)
    by_job = _phrases_of_tasks(connection, [run_id], crew).get(run_id, {})
    of_jobs, of_steps = _of_parts(connection, run_id, by_job)
    return Waits(run=_of_run(status, by_job, of_jobs, connection, run_id), jobs=of_jobs, steps=of_steps)


def waits_of_runs(connection: Connection, runs: Iterable[tuple[str, Status]], crew: Crew) -> dict[str, str]:
    """What each of these runs waits for, if it waits as a whole: it is not planned, or no job of it is under way."""
    by_id = dict(runs)
    phrases = {run: FOR_APPROVAL for run, status in by_id.items() if status is Status.BLOCKED}
    wanted = [run for run, status in by_id.items() if status in (Status.PENDING, Status.RUNNING)]
    by_run = _phrases_of_tasks(connection, wanted, crew)
    busy = _at_work(connection, wanted)
    asking = (jobs.c.status == Status.BLOCKED.value) & jobs.c.run_id.in_(wanted)
    by_run |= {run: {None: FOR_APPROVAL} for run in connection.execute(select(jobs.c.run_id).where(asking)).scalars()}
    for run in wanted:
        if run not in busy and (found := by_run.get(run)):
            phrases[run] = next(iter(found.values()))
    return phrases


def _of_run(
    status: Status, by_job: Mapping[int | None, str], of_jobs: Mapping[str, str], connection: Connection, run_id: str
) -> str:
    if _at_work(connection, [run_id]):
        return ""
    if status is Status.PENDING:
        return by_job.get(None, "")
    return next(iter(by_job.values()), "") or next(iter(of_jobs.values()), "")


def _at_work(connection: Connection, run_ids: Sequence[str]) -> set[str]:
    """Those of the runs that a worker does something for."""
    running = (tasks.c.state == TaskState.RUNNING.value) & tasks.c.run_id.in_(run_ids)
    return set(connection.execute(select(tasks.c.run_id).where(running)).scalars())


def _phrases_of_tasks(connection: Connection, run_ids: Sequence[str], crew: Crew) -> dict[str, dict[int | None, str]]:
    """For each run, what its tasks wait for that no worker has begun, by the ids of their jobs."""
    if not run_ids:
        return {}
    out = task_store.in_state(connection, TaskState.QUEUED, TaskState.RUNNING)
    classes = classes_of(crew, [(task.id, task.queue) for task in out])
    facts = Facts(classes=classes, under_way=turns.under_way(connection), is_redis_away=crew.is_redis_away)
    found: dict[str, dict[int | None, str]] = {}
    for job_id, task in turns.waiting_of(connection, run_ids):
        found.setdefault(task.run, {})[job_id] = task_phrase(task, _with_group(connection, task, facts))
    for queued in out:
        if queued.state is TaskState.QUEUED and queued.run_id in run_ids:
            phrase = FOR_REDIS if crew.is_redis_away else FOR_TAKING
            found.setdefault(queued.run_id, {})[queued.job_id] = phrase
    return found


def _with_group(connection: Connection, task: WaitingTask, facts: Facts) -> Facts:
    is_full = facts.under_way.groups.get((task.repository, task.group), 0) >= task.limit
    return replace(facts, ahead=turns.runs_ahead(connection, task)) if task.group and is_full else facts


def _of_parts(
    connection: Connection, run_id: str, by_job: Mapping[int | None, str]
) -> tuple[dict[str, str], dict[tuple[str, str], str]]:
    rows = connection.execute(select(jobs).where(jobs.c.run_id == run_id).order_by(jobs.c.position)).all()
    plans = {row.id: msgspec.json.decode(row.plan, type=PlannedJob) for row in rows}
    unfinished = {plans[row.id].name: plans[row.id].workflow for row in rows if not Status(row.status).is_terminal}
    of_jobs: dict[str, str] = {}
    of_steps: dict[tuple[str, str], str] = {}
    pulls = _pulls_by_step(connection, run_id)
    for row in rows:
        if row.status == Status.PENDING:
            before = [name for name, workflow in unfinished.items() if workflow in plans[row.id].depends_on]
            of_jobs[row.name] = by_job.get(row.id) or job_phrase(before)
        elif row.status == Status.BLOCKED:
            of_jobs[row.name] = approval_phrase(approvals_in(plans[row.id]))
        if row.status == Status.RUNNING:
            of_steps |= _of_steps(connection, row.id, plans[row.id], pulls)
        elif row.status in _OPEN:
            of_steps |= {(row.name, step): FOR_ITS_JOB for step in _pending_steps(connection, row.id)}
    return of_jobs, of_steps


def _of_steps(
    connection: Connection, job_id: int, plan: PlannedJob, pulls: Mapping[tuple[str, str], ImagePull]
) -> dict[tuple[str, str], str]:
    """What the steps of a job under way wait for. One whose turn has come may still wait for its image."""
    query = select(steps.c.name, steps.c.status).where(steps.c.job_id == job_id).order_by(steps.c.position)
    statuses = {name: Status(status) for name, status in connection.execute(query)}
    open_steps = {name for name, status in statuses.items() if not status.is_terminal}
    found: dict[tuple[str, str], str] = {}
    for step in (*plan.services, *plan.steps):
        pull = pulls.get((plan.name, step.name))
        if statuses.get(step.name) is Status.PENDING:
            before = [name for name in step.depends_on if name in open_steps]
            found[plan.name, step.name] = step_phrase(before, image=step.image, pull=pull)
        elif statuses.get(step.name) is Status.RUNNING and pull:
            found[plan.name, step.name] = pull_phrase(pull)
    return found


def _pending_steps(connection: Connection, job_id: int) -> list[str]:
    query = select(steps.c.name).where(steps.c.job_id == job_id, steps.c.status == Status.PENDING.value)
    return list(connection.execute(query).scalars())


def _pulls_by_step(connection: Connection, run_id: str) -> dict[tuple[str, str], ImagePull]:
    """The pulls under way, by the names of the job and of each step that wants the image."""
    return {(pull.job, step): pull for pull in queries.pulls_under_way(connection, run_id) for step in pull.steps}
