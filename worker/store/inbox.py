"""The inbox: a delivery and the runs it asks for become true together, or not at all, and only once."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, insert, select, update

from pipelines.event import Event
from pipelines.status import Status
from runner.clock import now
from runner.run_id import new_run_id
from worker.store import approvals
from worker.store.announcements import announce_run
from worker.store.repositories import StoredRepository
from worker.store.superseded import end_older
from worker.store.tables import deliveries, repositories, runs
from worker.store.tasks import add_planning_task
from worker.superseding import line_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What a forge sent, its signature found good. `key` is the forge's id of it, the same when sent again."""

    key: str
    event: str
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedRun:
    """A run that a delivery asked for."""

    id: str
    number: int


def accept(
    connection: Connection, repository: StoredRepository, delivery: Delivery, events: Sequence[Event]
) -> list[AcceptedRun]:
    """Store the delivery and one pending run an event. A delivery that was accepted before gives its runs of then."""
    known = connection.execute(
        select(deliveries.c.id).where(deliveries.c.repository_id == repository.id, deliveries.c.key == delivery.key)
    ).scalar_one_or_none()
    if known is not None:
        return _runs_of(connection, known)
    delivery_id = _add_delivery(connection, repository, delivery)
    return [add_run(connection, repository, event, delivery_id) for event in events]


def add_run(
    connection: Connection, repository: StoredRepository, event: Event, delivery_id: int | None = None
) -> AcceptedRun:
    """Store one run with its repository's next number, and the task of planning it unless it waits for approval.

    It may end older runs, whose place it takes.
    """
    number = connection.execute(
        update(repositories)
        .where(repositories.c.id == repository.id)
        .values(last_number=repositories.c.last_number + 1)
        .returning(repositories.c.last_number)
    ).scalar_one()
    run = AcceptedRun(id=new_run_id(), number=number)
    waits = approvals.wait_reason(connection, repository, event)
    connection.execute(
        insert(runs).values(
            id=run.id,
            repository_id=repository.id,
            delivery_id=delivery_id,
            number=number,
            event=msgspec.json.encode(event),
            status=(Status.BLOCKED if waits else Status.PENDING).value,
            reason=waits,
            last_seq=0,
            created_at=now(),
            line=line_of(event) or None,
        )
    )
    if not waits:
        add_planning_task(connection, run.id)
    announce_run(connection, run.id)
    end_older(connection, repository, event, number)
    return run


def _add_delivery(connection: Connection, repository: StoredRepository, delivery: Delivery) -> int:
    result = connection.execute(
        insert(deliveries)
        .values(
            repository_id=repository.id,
            key=delivery.key,
            event=delivery.event,
            payload=delivery.payload,
            received_at=now(),
        )
        .returning(deliveries.c.id)
    )
    return int(result.scalar_one())


def _runs_of(connection: Connection, delivery_id: int) -> list[AcceptedRun]:
    query = select(runs.c.id, runs.c.number).where(runs.c.delivery_id == delivery_id).order_by(runs.c.number)
    return [AcceptedRun(id=run_id, number=number) for run_id, number in connection.execute(query)]
