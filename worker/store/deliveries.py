"""Deliveries: what forges have sent and what was answered, kept to be looked at, and to be delivered again.

DESIGN. Those that were accepted stay as long as their runs may want them. The others are bounded, each kind by itself
and for each repository: so whoever sends rubbish pushes out older rubbish only. Of what was refused, which anybody may
send, only the beginning is kept.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, case, delete, func, insert, select, update

from runner.clock import now
from worker.errors import Gone, NotFound
from worker.store.repositories import StoredRepository
from worker.store.tables import deliveries, runs

LARGEST_REFUSED_BYTES = 16 * 1024
_MOST_KEPT = {"ignored": 500, "malformed": 50, "refused": 50}


class Verdict(StrEnum):
    """What became of a delivery: its runs are stored, it asks for none, it makes no sense, or it is not the forge's."""

    ACCEPTED = "accepted"
    IGNORED = "ignored"
    MALFORMED = "malformed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What a forge sent, fit to be kept. `key` is the forge's id of it, `event` its word for what happened.

    `size_bytes` is the body's as it was sent; `digest` is its JSON's, where no two may be the same, else None.
    """

    key: str = ""
    event: str = ""
    headers: dict[str, str]
    payload: bytes
    size_bytes: int
    digest: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDelivery:
    """A delivery as it is listed. `answer` says why there is no run; `runs` are the ids and numbers of those it has."""

    id: int
    key: str
    event: str
    verdict: Verdict
    status_code: int
    answer: str
    size_bytes: int
    received_at: str
    runs: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What was sent: the headers worth keeping, and the payload, JSON unless its sender was refused."""

    headers: dict[str, str]
    payload: bytes


def keep(
    connection: Connection,
    repository: StoredRepository,
    delivery: Delivery,
    verdict: Verdict,
    *,
    status_code: int,
    answer: str = "",
) -> int:
    """Store a delivery, in place of the oldest of its verdict where there are many; gives its number."""
    is_accepted = verdict is Verdict.ACCEPTED
    values = {
        "repository_id": repository.id,
        "key": delivery.key if is_accepted else None,
        "said_key": delivery.key,
        "event": delivery.event,
        "headers": msgspec.json.encode(delivery.headers).decode(),
        "payload": delivery.payload,
        "size_bytes": delivery.size_bytes,
        "digest": delivery.digest if is_accepted else None,
        "verdict": verdict.value,
        "status_code": status_code,
        "answer": answer,
        "received_at": now(),
    }
    number = connection.execute(insert(deliveries).values(values).returning(deliveries.c.id)).scalar_one()
    if not is_accepted:
        _forget_oldest(connection, repository.id, verdict)
    return int(number)


def accepted_before(connection: Connection, repository: StoredRepository, delivery: Delivery) -> int | None:
    """The number of the accepted delivery that this one is, or is a copy of."""
    ours = deliveries.c.repository_id == repository.id
    same = [deliveries.c.key == delivery.key]
    if delivery.digest is not None:
        same.append(deliveries.c.digest == delivery.digest)
    for each in same:
        known = connection.execute(select(deliveries.c.id).where(ours, each)).scalar()
        if known is not None:
            return int(known)
    return None


def of(connection: Connection, repository_id: int, *, limit: int, before: int | None = None) -> list[StoredDelivery]:
    """A repository's latest deliveries, latest first; those with a lower number than `before`, if it is given."""
    query = _query().where(deliveries.c.repository_id == repository_id)
    if before is not None:
        query = query.where(deliveries.c.id < before)
    return _stored(connection, connection.execute(query.order_by(deliveries.c.id.desc()).limit(limit)).all())


def numbered(connection: Connection, repository: StoredRepository, number: int) -> StoredDelivery:
    """The delivery with this number. Raises NotFound."""
    query = _query().where(deliveries.c.repository_id == repository.id, deliveries.c.id == number)
    found = _stored(connection, connection.execute(query).all())
    if not found:
        raise NotFound(f"{repository.full_name} has no delivery {number}")
    return found[0]


def contents(connection: Connection, number: int) -> Contents:
    """What was sent with the delivery of this number, which must exist. Raises Gone if retention has removed it."""
    columns = (deliveries.c.headers, deliveries.c.payload, deliveries.c.size_bytes)
    row = connection.execute(select(*columns).where(deliveries.c.id == number)).one()
    if row.size_bytes and not row.payload:
        raise Gone(f"what was sent with delivery {number} is not kept any more: retention has removed it")
    return Contents(headers=msgspec.json.decode(row.headers, type=dict[str, str]), payload=row.payload)


def forget_contents(connection: Connection, numbers: list[int]) -> None:
    """Forget what was sent with these deliveries. That they were accepted is not forgotten: none is taken twice."""
    ours = deliveries.c.id.in_(numbers)
    connection.execute(delete(deliveries).where(ours, deliveries.c.key.is_(None), deliveries.c.digest.is_(None)))
    size_bytes = case((deliveries.c.size_bytes > 0, deliveries.c.size_bytes), else_=func.length(deliveries.c.payload))
    connection.execute(update(deliveries).where(ours).values(payload=b"", headers="{}", size_bytes=size_bytes))


def _forget_oldest(connection: Connection, repository_id: int, verdict: Verdict) -> None:
    ours = (deliveries.c.repository_id == repository_id) & (deliveries.c.verdict == verdict.value)
    oldest = select(deliveries.c.id).where(ours).order_by(deliveries.c.id.desc()).offset(_MOST_KEPT[verdict])
    last = connection.execute(oldest.limit(1)).scalar()
    if last is not None:
        # One that was run after all, by hand, is its run's.
        has_run = select(runs.c.id).where(runs.c.delivery_id == deliveries.c.id).exists()
        connection.execute(delete(deliveries).where(ours, deliveries.c.id <= last, ~has_run))


def _query() -> Select[Any]:
    return select(
        deliveries.c.id,
        func.coalesce(deliveries.c.said_key, "").label("key"),
        deliveries.c.event,
        deliveries.c.verdict,
        deliveries.c.status_code,
        func.coalesce(deliveries.c.answer, "").label("answer"),
        deliveries.c.size_bytes,
        deliveries.c.received_at,
    )


def _stored(connection: Connection, rows: list[Row[Any]] | Any) -> list[StoredDelivery]:
    ids = [row.id for row in rows]
    query = select(runs.c.delivery_id, runs.c.id, runs.c.number).where(runs.c.delivery_id.in_(ids))
    made: dict[int, list[tuple[str, int]]] = {}
    for delivery_id, run_id, number in connection.execute(query.order_by(runs.c.number)):
        made.setdefault(delivery_id, []).append((run_id, number))
    return [
        StoredDelivery(
            **dict(row._mapping) | {"verdict": Verdict(row.verdict)},  # noqa: SLF001 -- its public name
            runs=tuple(made.get(row.id, ())),
        )
        for row in rows
    ]
