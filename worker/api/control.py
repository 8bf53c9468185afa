"""What people do to runs: cancel one, do one again.

DESIGN. These are the requests that change something. They take JSON and nothing else, which a page of another site
can't make a browser send; the guard asks browsers where a request comes from as well.
"""

from runner.run_id import new_run_id
from worker.access.guard import Caller
from worker.api import models
from worker.api.runs import summary_of
from worker.context import Context, Serving
from worker.errors import Unavailable
from worker.starting import repeated_event
from worker.store import approvals, decisions, history, kept, queries, repositories
from worker.store.inbox import AcceptedRun, add_run


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
    """Run an earlier run's event again, from its commit, as a new run: all of it, or what has not succeeded."""
    if wanted.jobs is models.Again.FAILED:
        return summary_of(context, _run_failed_again(context, wanted.again).id)
    with context.database.write() as connection:
        earlier = queries.run_with_id(connection, wanted.again)
        run = add_run(connection, repositories.named(connection, earlier.owner, earlier.name), repeated_event(earlier))
    context.announce()
    return summary_of(context, run.id)


def _run_failed_again(context: Context, earlier_id: str) -> AcceptedRun:
    """The files of what is kept are there before the run is, so that none of its jobs looks for them in vain."""
    with context.database.read() as connection:
        earlier = queries.run_with_id(connection, earlier_id)
        names = kept.jobs_to_keep(connection, earlier)
    run_id = new_run_id()
    try:
        context.storage.carry_over(earlier.id, run_id, names)
        with context.database.write() as connection:
            repository = repositories.named(connection, earlier.owner, earlier.name)
            run = add_run(connection, repository, repeated_event(earlier), run_id=run_id, kept_from=earlier.id)
    except BaseException as error:
        context.storage.forget(run_id)
        if isinstance(error, OSError):
            raise Unavailable(f"what run {earlier.number} left can't be kept: {error.strerror}") from error
        raise
    context.announce()
    return run


def _changed(context: Serving, run_id: str) -> models.RunSummary:
    """Tell the dispatcher and the viewers of it."""
    context.announce()
    context.live.publish(run_id)
    return summary_of(context, run_id)
