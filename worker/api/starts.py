"""What people start: a run by hand, or a deployment of an earlier one, which is a run too. In the caller's name."""

from typing import Annotated

from fastapi import Query
from sqlalchemy import Connection

from pipelines.event import Event
from worker.access.guard import Caller
from worker.api import models
from worker.api.numbers import Number
from worker.api.runs import summary_of
from worker.context import Context, Serving
from worker.errors import Misfit
from worker.starting import REF_NAME_PATTERN, Start, deployment_event, manual_event
from worker.store import declared, queries, repositories
from worker.store.declared import DeclaredParameter, declared_parameters
from worker.store.inbox import AcceptedRun, add_run


def start_run(owner: str, name: str, wanted: models.Start, caller: Caller, context: Serving) -> models.RunSummary:
    """Start a run by hand, of the workflows that run on the event `manual`."""
    start = Start(**wanted.model_dump())
    run = started(context, owner, name, start, by=caller.name)
    return summary_of(context, run.id)


def deploy_run(
    owner: str, name: str, number: Number, wanted: models.NewDeployment, caller: Caller, context: Serving
) -> models.RunSummary:
    """Deploy what an earlier run was of: a new run, of the workflows that run on the event `deployment`."""
    run = deployed(
        context,
        (owner, name, number),
        target=wanted.environment,
        task=wanted.task,
        params=wanted.params,
        by=caller.name,
    )
    return summary_of(context, run.id)


def list_parameters(
    owner: str,
    name: str,
    context: Serving,
    branch: Annotated[
        str, Query(description="without one, the default branch", pattern=f"^({REF_NAME_PATTERN})?$")
    ] = "",
) -> models.DeclaredParameters:
    """The inputs of manual runs, as the last run of a branch has found them in its workflow files."""
    with context.database.read() as connection:
        repository = repositories.named(connection, owner, name)
        found = declared_parameters(connection, repository.id, branch or repository.default_branch)
    return models.DeclaredParameters(parameters=[_parameter(each) for each in found])


def started(context: Context, owner: str, name: str, start: Start, *, by: str) -> AcceptedRun:
    """The new run of a start. Raises NotFound, Malformed or Misfit."""
    with context.database.write() as connection:
        repository = repositories.named(connection, owner, name)
        event = manual_event(start, default_branch=repository.default_branch, by=by)
        if not event.tag and not event.asked_sha:
            check_params(connection, declared.run_at_tip(connection, repository.id, event.branch), event)
        run = add_run(connection, repository, event)
    context.announce()
    return run


def deployed(
    context: Context, run: tuple[str, str, int], *, target: str, task: str, params: dict[str, str], by: str
) -> AcceptedRun:
    """The new run that deploys the run `(owner, name, number)`. Raises NotFound, Conflict, Malformed or Misfit."""
    with context.database.write() as connection:
        earlier = queries.run_numbered(connection, *run)
        event = deployment_event(earlier, target=target, task=task, params=params, by=by)
        check_params(connection, earlier.id, event)
        new = add_run(connection, repositories.named(connection, earlier.owner, earlier.name), event)
    context.announce()
    return new


def check_params(connection: Connection, run_id: str, event: Event) -> None:
    """Raises Misfit if the workflow files that this run has planned take no such values."""
    if wrong := declared.misfits(connection, run_id, event):
        raise Misfit({f"params.{name}": complaint for name, complaint in wrong.items()})


def _parameter(each: DeclaredParameter) -> models.Parameter:
    return models.Parameter(
        name=each.name,
        type=each.parameter.type,
        default=each.parameter.default,
        options=list(each.parameter.options),
        required=each.parameter.required,
        description=each.parameter.description,
        workflows=list(each.workflows),
    )
