"""What people do to runs: cancel one, do one again.

DESIGN. These are the requests that change something. They take JSON and nothing else, which a page of another site
can't make a browser send; the guard asks browsers where a request comes from as well.
"""

import msgspec

from worker.access.guard import Caller
from worker.api import models
from worker.api.runs import summary
from worker.context import Serving
from worker.store import approvals, decisions, history, queries, repositories
from worker.store.inbox import add_run
from worker.store.waits import waits_of_run


def cancel_run(run_id: str, wanted: models.Cancellation, caller: Caller, context: Serving) -> models.RunSummary:
    """End a run before its time: what has not begun never will, running steps are stopped, those for failures run."""
    with context.database.write() as connection:
        queries.run_with_id(connection, run_id)
        history.cancel(connection, run_id, " ".join(wanted.reason.split()) or f"cancelled by {caller.name}")
    return _changed(context, run_id)


def approve_run(run_id: str, _: models.Decision, caller: Caller, context: Serving) -> models.RunSummary:
    """Let a run begin that waits for approval, as may then every other run of its commit in the same pull request."""
    with context.database.write() as connection:
        approvals.approve(connection, run_id, caller.name)
    return _changed(context, run_id)


def decline_run(run_id: str, _: models.Decision, caller: Caller, context: Serving) -> models.RunSummary:
    """End a run that waits for approval. It is *cancelled*, and nothing of it has run."""
    with context.database.write() as connection:
        approvals.decline(connection, run_id, caller.name)
    return _changed(context, run_id)


def approve_job(run_id: str, job: str, _: models.Decision, caller: Caller, context: Serving) -> models.RunSummary:
    """Let a job begin that waits for a person, because a step of it asks for one."""
    with context.database.write() as connection:
        decisions.approve_job(connection, run_id, job=job, by=caller.name)
    return _changed(context, run_id)


def decline_job(run_id: str, job: str, _: models.Decision, caller: Caller, context: Serving) -> models.RunSummary:
    """End a job that waits for a person. It is *cancelled*, and nothing of it has run."""
    with context.database.write() as connection:
        decisions.decline_job(connection, run_id, job=job, by=caller.name)
    return _changed(context, run_id)


def run_again(wanted: models.NewRun, context: Serving) -> models.RunSummary:
    """Run an earlier run's event again, from its commit, as a new run."""
    with context.database.write() as connection:
        earlier = queries.run_with_id(connection, wanted.again)
        repository = repositories.named(connection, earlier.owner, earlier.name)
        run = add_run(connection, repository, msgspec.structs.replace(earlier.event, parent=earlier.number))
    context.announce()
    return _summary_of(context, run.id)


def _changed(context: Serving, run_id: str) -> models.RunSummary:
    """Tell the dispatcher and the viewers of it."""
    context.announce()
    context.live.publish(run_id)
    return _summary_of(context, run_id)


def _summary_of(context: Serving, run_id: str) -> models.RunSummary:
    with context.database.read() as connection:
        run = queries.run_with_id(connection, run_id)
        return summary(context, run, waits_of_run(connection, run_id, run.status, context.crew()).run)
