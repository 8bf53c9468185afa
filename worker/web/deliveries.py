"""The pages of deliveries: a repository's latest, one as it was sent, and the button that has it taken again."""

from contextlib import suppress
from typing import Annotated

import msgspec
from fastapi import Query
from starlette.responses import HTMLResponse, RedirectResponse

from worker.access.guard import Caller
from worker.access.identity import Scope
from worker.api.deliveries import deliver_again, found
from worker.api.numbers import LARGEST, Number
from worker.context import Serving, repository_path, run_path
from worker.store import deliveries, repositories
from worker.store.deliveries import Verdict
from worker.web.pages import render

_PAGE_SIZE = 50
_LONGEST_SHOWN = 256 * 1024


def show_deliveries(
    owner: str,
    name: str,
    caller: Caller,
    context: Serving,
    before: Annotated[int | None, Query(ge=1, le=LARGEST)] = None,
) -> HTMLResponse:
    """The latest deliveries to a repository's hook, latest first."""
    with context.database.read() as connection:
        repository = repositories.named(connection, owner, name)
        stored = deliveries.of(connection, repository.id, limit=_PAGE_SIZE, before=before)
    return render(
        "deliveries.html",
        caller=caller,
        repository=repository.full_name,
        repository_path=repository_path(repository.full_name),
        forge=repository.forge,
        deliveries=stored,
        before=stored[-1].id if len(stored) == _PAGE_SIZE else None,
    )


def show_delivery(owner: str, name: str, number: Number, caller: Caller, context: Serving) -> HTMLResponse:
    """One delivery: what was sent, and what became of it."""
    repository, stored, contents = found(context, owner, name, number)
    return render(
        "delivery.html",
        caller=caller,
        repository=repository.full_name,
        repository_path=repository_path(repository.full_name),
        delivery=stored,
        runs=[(made, run_path(repository.full_name, made)) for _, made in stored.runs],
        sent_headers=contents.headers,
        body=_readable(contents.payload),
        may_redeliver=stored.verdict is not Verdict.REFUSED and caller.scope.includes(Scope.WRITE),
    )


def redeliver(owner: str, name: str, number: Number, context: Serving) -> RedirectResponse:
    """Take it again, and go to its first new run."""
    repository, runs = deliver_again(context, owner, name, number)
    return RedirectResponse(run_path(repository.full_name, runs[0].number), status_code=303)


def _readable(payload: bytes) -> str:
    """JSON on lines of its own, what is none as it is; cut where nobody reads on."""
    with suppress(msgspec.DecodeError, RecursionError):
        payload = msgspec.json.format(payload, indent=2)
    text = payload[:_LONGEST_SHOWN].decode(errors="replace")
    return text if len(payload) <= _LONGEST_SHOWN else f"{text}\n…"
