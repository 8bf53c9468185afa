"""The inbox: a delivery and the runs it asks for become true together, or not at all, and only once."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from pipelines.event import Event
from pipelines.status import Status
from runner.clock import now
from runner.run_id import new_run_id
from worker.store import approvals, deliveries
from worker.store.announcements import announce_run
from worker.store.deliveries import Delivery, Verdict
from worker.store.events import columns_of
from worker.store.repositories import StoredRepository
from worker.store.superseded import end_older
from worker.store.tables import repositories, runs
from worker.store.tasks import add_planning_task
from worker.superseding import line_of

_ACCEPTED = 202


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedRun:
    """A run that a delivery asked for."""

    id: str
    number: int


def accept(
    connection: Connection, repository: StoredRepository, delivery: Delivery, events: Sequence[Event]
) -> list[AcceptedRun]:
    """Store the delivery and one pending run an event. A delivery that was accepted before gives its runs of then."""
    known = deliveries.accepted_before(connection, repository, delivery)
    if known is not None:
        return _runs_of(connection, known)
    number = deliveries.keep(connection, repository, delivery, Verdict.ACCEPTED, status_code=_ACCEPTED)
    return add_runs(connection, repository, number, events)


def add_runs(
    connection: Connection, repository: StoredRepository, delivery_id: int, events: Sequence[Event]
) -> list[AcceptedRun]:
    """Store one pending run an event, for a delivery that is stored, whether it has runs already or not."""
    return [add_run(connection, repository, event, delivery_id) for event in events]


def add_run(
    connection: Connection,
    repository: StoredRepository,
    event: Event,
    delivery_id: int | None = None,
    *,
    run_id: str = "",
    kept_from: str | None = None,
) -> AcceptedRun:
    """Store one run with its repository's next number, and the task of planning it unless it waits for approval.

    `kept_from` is the run that has done for it what need not be done again. The new one may end older runs, whose place
    it takes.
    """
    number = connection.execute(
        update(repositories)
        .where(repositories.c.id == repository.id)
        .values(last_number=repositories.c.last_number + 1)
        .returning(repositories.c.last_number)
    ).scalar_one()
    run = AcceptedRun(id=run_id or new_run_id(), number=number)
    waits = approvals.wait_reason(connection, repository, event)
    connection.execute(
        insert(runs).values(
            id=run.id,
            repository_id=repository.id,
            delivery_id=delivery_id,
            number=number,
            **columns_of(event),
            status=(Status.BLOCKED if waits else Status.PENDING).value,
            reason=waits,
            last_seq=0,
            created_at=now(),
            line=line_of(event) or None,
            kept_from=kept_from,
        )
    )
    if not waits:
        add_planning_task(connection, run.id)
    announce_run(connection, run.id)
    end_older(connection, repository, event, number)
    return run


def _runs_of(connection: Connection, delivery_id: int) -> list[AcceptedRun]:
    query = select(runs.c.id, runs.c.number).where(runs.c.delivery_id == delivery_id).order_by(runs.c.number)
    return [AcceptedRun(id=run_id, number=number) for run_id, number in connection.execute(query)]
