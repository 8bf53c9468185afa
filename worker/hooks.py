"""The hook: takes a forge's delivery, and answers once the runs it asks for are in the database.

DESIGN. Nothing here touches Redis or the network, so a forge gets its answer in milliseconds whatever else is down. The
body is read under a limit before anything looks at it, the signature is checked over those very bytes, and delivery
and runs become true in one transaction: a delivery answered with an error has no run and may be sent again, under the
same id. What is answered otherwise is kept to be looked at, if that can be done; it is answered the same if it can't.
"""

import asyncio
import hashlib
import time
from contextlib import suppress

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from pipelines.deliveries.reading import Reading
from worker.api.problems import described
from worker.context import Context, Serving
from worker.errors import Malformed, NotFound, Refused, TooLarge, Unavailable
from worker.forges import FORGES
from worker.forges.base import json_text, reading
from worker.forges.scrub import kept_headers, scrubbed
from worker.intake import Held
from worker.store import deliveries, inbox, repositories
from worker.store.deliveries import LARGEST_REFUSED_BYTES, Delivery, Verdict
from worker.store.inbox import AcceptedRun
from worker.store.repositories import StoredRepository

_LARGEST_BODY = 25 * 1024 * 1024
_PATIENCE_SECONDS = 10.0  # no forge waits longer for the answer


async def receive(forge: str, owner: str, name: str, request: Request, context: Serving) -> JSONResponse:
    """Take a delivery. 202: its runs are stored, and will be done. 200: it asks for no run, and says why."""
    context.intake.admit(_source(request), request.url.path)
    repository = await run_in_threadpool(_repository, context, forge, owner, name)
    with context.intake.holding() as held:
        body = await _body(request, held)
        return await run_in_threadpool(_take, context, repository, request, body)


def _repository(context: Context, forge: str, owner: str, name: str) -> StoredRepository:
    with context.database.read() as connection:
        repository = repositories.named(connection, owner, name)
    if forge != repository.forge:
        raise NotFound(f"{repository.full_name} has no hook for {forge[:40]!r}; see `headrace repo list`")
    return repository


async def _body(request: Request, held: Held) -> bytes:
    declared = request.headers.get("content-length", "")
    _check_size(int(declared) if declared.isdecimal() else 0)
    body = bytearray()
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            async for chunk in request.stream():
                held.grow(len(chunk))
                body += chunk
                _check_size(len(body))
    except TimeoutError as error:
        raise Malformed(f"the body did not come within {_PATIENCE_SECONDS:g} s") from error
    return bytes(body)


def _check_size(size_bytes: int) -> None:
    if size_bytes > _LARGEST_BODY:
        raise TooLarge(f"the body is larger than {_LARGEST_BODY // 1024**2} MiB")


def _take(context: Context, repository: StoredRepository, request: Request, body: bytes) -> JSONResponse:
    _verify(context, repository, request, body)
    context.intake.admit_proved(repository.full_name)
    try:
        text = json_text(request.headers, body) if FORGES[repository.forge].takes_forms else body
        said = reading(repository.forge, request.headers, text, repository)
    except Malformed as error:
        _keep(context, repository, _delivery(repository, request, body), error)
        raise
    delivery = _delivery(repository, request, body, text=text, said=said)
    if not said.events:
        _keep(context, repository, delivery, said.ignored)
        return JSONResponse({"ignored": said.ignored})
    runs = context.inbox.do(lambda connection: inbox.accept(connection, repository, delivery, said.events))
    context.announce()
    shown = [_described(context, repository, run) for run in runs]
    return JSONResponse({"run": shown[0]["id"], "url": shown[0]["url"], "runs": shown}, status_code=202)


def _verify(context: Context, repository: StoredRepository, request: Request, body: bytes) -> None:
    try:
        FORGES[repository.forge].verify(request.headers, body, repository.secret, time.time())
    except Refused as error:
        context.intake.note_refused(_source(request), request.url.path)
        if context.intake.may_keep(repository.full_name):
            _keep(context, repository, _delivery(repository, request, body), error)
        raise


def _delivery(
    repository: StoredRepository,
    request: Request,
    body: bytes,
    *,
    text: bytes | None = None,
    said: Reading | None = None,
) -> Delivery:
    """What is kept of it: all that was understood, else the beginning.

    The digest is of the JSON, not of the body: Gitea's signature doesn't cover the form that may be around it.
    """
    forge = FORGES[repository.forge]
    payload = text if text is not None else body[:LARGEST_REFUSED_BYTES]
    return Delivery(
        key=said.key if said else "",
        event=said.name if said else "",
        headers=kept_headers(forge, request.headers),
        payload=scrubbed(payload, repository.secret),
        size_bytes=len(body),
        digest=hashlib.sha256(payload).hexdigest() if said and forge.is_once else None,
    )


def _keep(context: Context, repository: StoredRepository, delivery: Delivery, why: Exception | str) -> None:
    """Write down a delivery without runs, where that can be done."""
    status_code, answer = (200, why) if isinstance(why, str) else described(why)
    verdict = _VERDICTS.get(type(why), Verdict.IGNORED)
    with suppress(Unavailable):
        context.inbox.do(
            lambda connection: deliveries.keep(
                connection, repository, delivery, verdict, status_code=int(status_code), answer=answer
            )
        )


_VERDICTS: dict[type, Verdict] = {Malformed: Verdict.MALFORMED, Refused: Verdict.REFUSED}


def _described(context: Context, repository: StoredRepository, run: AcceptedRun) -> dict[str, str | int]:
    return {"id": run.id, "number": run.number, "url": context.run_url(repository.full_name, run.number)}


def _source(request: Request) -> str:
    return request.client.host if request.client else ""
