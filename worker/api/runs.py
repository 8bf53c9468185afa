"""Runs, as the API tells of them."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from fastapi import Depends, Query
from sqlalchemy import Connection

from pipelines import event as events
from pipelines.event import EventKind
from pipelines.status import Status
from runner.run_id import RUN_ID_PATTERN
from worker.api import models
from worker.api.numbers import LARGEST
from worker.context import Context, Serving, path
from worker.store import parts, queries, repositories
from worker.store.attempts import StoredAttempt
from worker.store.parts import StoredJob, StoredStep
from worker.store.queries import StoredRun, Wanted
from worker.store.waits import Waits, waits_of_run, waits_of_runs

OlderThan = Annotated[
    str | None, Query(description="only runs older than the one with this id", pattern=f"^{RUN_ID_PATTERN}$")
]
"""The type of an endpoint's argument that says where a list of runs goes on."""

Limit = Annotated[int, Query(description="at most this many", ge=1, le=200)]


def _wanted(
    branch: Annotated[str, Query(description="only of this branch, a pull request's target", max_length=250)] = "",
    status: Annotated[Status | None, Query(description="only with this status")] = None,
    event: Annotated[EventKind | None, Query(description="only of this kind of event")] = None,
    author: Annotated[str, Query(description="only of commits by this author", max_length=250)] = "",
) -> Wanted:
    return Wanted(branch=branch, status=status, kind=event, author=author)


WantedRuns = Annotated[Wanted, Depends(_wanted)]


def list_runs_of_repository(
    owner: str,
    name: str,
    context: Serving,
    wanted: WantedRuns,
    limit: Limit = 50,
    before: Annotated[int | None, Query(description="only runs with a lower number", ge=1, le=LARGEST)] = None,
) -> models.Runs:
    """The latest runs of a repository, latest first: all, or those of a branch, status, event or author."""
    with context.database.read() as connection:
        repository = repositories.named(connection, owner, name)
        stored = queries.runs_of(connection, repository.id, limit=limit, before=before, wanted=wanted)
        waits = _waits(connection, context, stored)
    following = stored[-1].number if len(stored) == limit and stored[-1].number > 1 else None
    return models.Runs(runs=[summary(context, run, waits.get(run.id, "")) for run in stored], before=following)


def list_runs(
    context: Serving,
    wanted: WantedRuns,
    limit: Limit = 50,
    before: OlderThan = None,
) -> models.RunsOfAll:
    """The latest runs over all repositories, latest first: all, or those of a branch, status, event or author."""
    with context.database.read() as connection:
        stored = queries.latest_runs(connection, limit=limit, before=before, wanted=wanted)
        waits = _waits(connection, context, stored)
    following = stored[-1].id if len(stored) == limit else None
    listed = [summary(context, run, waits.get(run.id, "")) for run in stored]
    return models.RunsOfAll(runs=listed, before=following)


def show_run(run_id: str, context: Serving) -> models.Run:
    """One run with its jobs and steps, and with what there is to say of its workflow files."""
    with context.database.read() as connection:
        run = queries.run_with_id(connection, run_id)
        jobs = parts.jobs_of(connection, run_id)
        problems = queries.problems_of(connection, run_id)
        waits = waits_of_run(connection, run_id, run.status, context.crew())
    return models.Run(
        **summary(context, run, waits.run).model_dump(),
        problems=[models.FileProblem(**msgspec.structs.asdict(problem)) for problem in problems],
        jobs=[_job(context, run, job, waits) for job in jobs],
    )


def log_path(run_id: str, job: str, step: str) -> str:
    """The path of a step's log."""
    return path("api", "runs", run_id, "jobs", job, "steps", step, "log")


def summary_of(context: Context, run_id: str) -> models.RunSummary:
    """The run with this id, without its jobs. Raises NotFound."""
    with context.database.read() as connection:
        run = queries.run_with_id(connection, run_id)
        waits = waits_of_run(connection, run_id, run.status, context.crew())
    return summary(context, run, waits.run)


def summary(context: Context, run: StoredRun, waits_for: str) -> models.RunSummary:
    """A run without its jobs."""
    return models.RunSummary(
        id=run.id,
        number=run.number,
        repository=run.repository,
        status=run.status,
        reason=run.reason,
        waits_for=waits_for,
        event=_event(run.event),
        url=context.run_url(run.repository, run.number),
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        duration_ms=run.duration_ms,
    )


def _waits(connection: Connection, context: Context, stored: Sequence[StoredRun]) -> dict[str, str]:
    return waits_of_runs(connection, [(run.id, run.status) for run in stored], context.crew())


def _event(event: events.Event) -> models.Event:
    return models.Event(
        kind=event.kind,
        ref=event.ref,
        branch=event.branch,
        tag=event.tag,
        sha=event.sha,
        before=event.before,
        message=event.message,
        author=event.author,
        sender=event.sender,
        pull_request=_pull_request(event.pull_request),
        included=[models.Included(**msgspec.structs.asdict(each)) for each in event.included],
    )


def _pull_request(request: events.PullRequest | None) -> models.PullRequest | None:
    if request is None:
        return None
    return models.PullRequest(
        number=request.number,
        source_branch=request.source_branch,
        target_branch=request.target_branch,
        from_fork=request.from_fork,
    )


def _job(context: Context, run: StoredRun, job: StoredJob, waits: Waits) -> models.Job:
    return models.Job(
        name=job.name,
        workflow=job.workflow,
        matrix=job.matrix,
        included=job.included,
        status=job.status,
        reason=job.reason,
        waits_for=waits.jobs.get(job.name, ""),
        decided_by=job.decided_by,
        started_at=job.started_at,
        finished_at=job.finished_at,
        duration_ms=job.duration_ms,
        steps=[_step(context, run, job, step, waits) for step in job.steps],
    )


def _step(context: Context, run: StoredRun, job: StoredJob, step: StoredStep, waits: Waits) -> models.Step:
    return models.Step(
        name=step.name,
        kind=step.kind,
        image=step.image,
        included=step.included,
        status=step.status,
        exit_code=step.exit_code,
        reason=step.reason,
        waits_for=waits.steps.get((job.name, step.name), ""),
        started_at=step.started_at,
        finished_at=step.finished_at,
        duration_ms=step.duration_ms,
        attempts=[_attempt(attempt) for attempt in step.attempts],
        log_url=context.settings.url + log_path(run.id, job.name, step.name),
    )


def _attempt(attempt: StoredAttempt) -> models.Attempt:
    return models.Attempt(
        number=attempt.number,
        status=attempt.status,
        exit_code=attempt.exit_code,
        reason=attempt.reason,
        duration_ms=attempt.duration_ms,
        commands=[
            models.Command(command=run.command, exit_code=run.exit_code, duration_ms=run.duration_ms)
            for run in attempt.commands
        ],
    )
