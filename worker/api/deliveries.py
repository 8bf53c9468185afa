"""Deliveries over the API: what forges have sent, what was answered, and having one delivered again."""

from collections.abc import Iterable
from typing import Annotated

import msgspec
from fastapi import Query

from worker.api import models
from worker.api.numbers import LARGEST, Number
from worker.api.runs import Limit
from worker.context import Context, Serving
from worker.errors import Conflict
from worker.forges.base import reading
from worker.store import deliveries, inbox, repositories
from worker.store.deliveries import Contents, StoredDelivery, Verdict
from worker.store.inbox import AcceptedRun
from worker.store.repositories import StoredRepository


def list_deliveries(
    owner: str,
    name: str,
    context: Serving,
    limit: Limit = 50,
    before: Annotated[int | None, Query(description="only deliveries with a lower number", ge=1, le=LARGEST)] = None,
) -> models.Deliveries:
    """The latest deliveries to a repository's hook, latest first."""
    with context.database.read() as connection:
        repository = repositories.named(connection, owner, name)
        stored = deliveries.of(connection, repository.id, limit=limit, before=before)
    following = stored[-1].id if len(stored) == limit and stored[-1].id > 1 else None
    return models.Deliveries(deliveries=[_summary(context, repository, each) for each in stored], before=following)


def show_delivery(owner: str, name: str, number: Number, context: Serving) -> models.Delivery:
    """One delivery with its headers and its body, scrubbed of proofs and secrets."""
    repository, stored, contents = found(context, owner, name, number)
    summary = _summary(context, repository, stored).model_dump()
    return models.Delivery(**summary, headers=contents.headers, body=_as_json(contents.payload))


def redeliver(owner: str, name: str, number: Number, _: models.Decision, context: Serving) -> models.AcceptedDelivery:
    """Take a delivery again, as if it came now: new runs, although its id was seen before."""
    repository, runs = deliver_again(context, owner, name, number)
    described = _runs(context, repository, ((run.id, run.number) for run in runs))
    return models.AcceptedDelivery(run=described[0].id, url=described[0].url, runs=described)


def deliver_again(context: Context, owner: str, name: str, number: int) -> tuple[StoredRepository, list[AcceptedRun]]:
    """The new runs of an old delivery. Raises NotFound, Malformed, or Conflict if it gives none."""
    repository, stored, contents = found(context, owner, name, number)
    if stored.verdict is Verdict.REFUSED:
        raise Conflict(f"delivery {number} was refused: nobody has proved that {repository.forge} sent it")
    said = reading(repository.forge, contents.headers, contents.payload, repository)
    if not said.events:
        raise Conflict(f"delivery {number} asks for no run: {said.ignored}")
    runs = context.inbox.do(lambda connection: inbox.add_runs(connection, repository, number, said.events))
    context.announce()
    return repository, runs


def found(context: Context, owner: str, name: str, number: int) -> tuple[StoredRepository, StoredDelivery, Contents]:
    """A delivery with what was sent, and the repository it was sent to. Raises NotFound."""
    with context.database.read() as connection:
        repository = repositories.named(connection, owner, name)
        stored = deliveries.numbered(connection, repository, number)
        return repository, stored, deliveries.contents(connection, number)


def _summary(context: Context, repository: StoredRepository, stored: StoredDelivery) -> models.DeliverySummary:
    return models.DeliverySummary(
        id=stored.id,
        repository=repository.full_name,
        forge=repository.forge,
        key=stored.key,
        event=stored.event,
        verdict=stored.verdict,
        status_code=stored.status_code,
        answer=stored.answer,
        size_bytes=stored.size_bytes,
        received_at=stored.received_at,
        runs=_runs(context, repository, stored.runs),
    )


def _runs(context: Context, repository: StoredRepository, runs: Iterable[tuple[str, int]]) -> list[models.AcceptedRun]:
    return [
        models.AcceptedRun(id=run_id, number=number, url=context.run_url(repository.full_name, number))
        for run_id, number in runs
    ]


def _as_json(payload: bytes) -> object:
    """JSON as what it says; what is none, or was cut off, as its text."""
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return payload.decode(errors="replace")
