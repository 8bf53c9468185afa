"""Approvals: that somebody lets the commits of a ref run, and what becomes of the runs that wait for it.

DESIGN. An approval is of one commit on one ref: the next push to the pull request waits anew, and the same commit in
another pull request, which has another target, does, too. To run an approved commit again needs no second look. Where
the forge has not named the whole commit, only its first digits or the tag that it is under, the approval is of that one
run: two commits may begin alike, and a tag may be moved.
"""

from sqlalchemy import Connection, insert, select, update

from pipelines.deliveries.fields import is_sha
from pipelines.event import Event
from pipelines.status import Status
from runner.clock import now
from worker.errors import Conflict
from worker.store import history, queries, repositories
from worker.store.announcements import announce_run
from worker.store.repositories import StoredRepository
from worker.store.tables import approvals, runs
from worker.store.tasks import add_planning_task
from worker.trust import waits_because


def wait_reason(connection: Connection, repository: StoredRepository, event: Event) -> str:
    """Why a new run of this event waits for a person; `""` if it doesn't, or somebody has approved its commit."""
    reason = waits_because(repository.approval, event)
    return "" if reason and _is_approved(connection, repository.id, event) else reason


def approve(connection: Connection, run_id: str, by: str) -> None:
    """Let a run that waits begin, and its commit run again. Raises NotFound, or Conflict if it doesn't wait."""
    run = _waiting(connection, run_id)
    repository = repositories.named(connection, run.owner, run.name)
    if is_sha(run.event.sha) and not _is_approved(connection, repository.id, run.event):
        connection.execute(
            insert(approvals).values(
                repository_id=repository.id,
                ref=run.event.ref,
                sha=run.event.sha,
                approved_by=by,
                approved_at=now(),
            )
        )
    connection.execute(update(runs).where(runs.c.id == run_id).values(status=Status.PENDING.value, reason=""))
    add_planning_task(connection, run_id)
    announce_run(connection, run_id)


def decline(connection: Connection, run_id: str, by: str) -> None:
    """End a run that waits, before it has begun. Raises NotFound, or Conflict if it doesn't wait."""
    _waiting(connection, run_id)
    history.cancel(connection, run_id, f"declined by {by}")


def _waiting(connection: Connection, run_id: str) -> queries.StoredRun:
    run = queries.run_with_id(connection, run_id)
    if run.status is not Status.BLOCKED:
        raise Conflict(f"run {run.number} of {run.repository} does not wait for approval: it is {run.status}")
    return run


def _is_approved(connection: Connection, repository_id: int, event: Event) -> bool:
    ours = (approvals.c.repository_id == repository_id) & (approvals.c.ref == event.ref)
    return connection.execute(select(approvals.c.id).where(ours, approvals.c.sha == event.sha)).first() is not None
