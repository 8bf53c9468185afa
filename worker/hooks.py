"""The hook: takes a forge's delivery, and answers once the runs it asks for are in the database.

DESIGN. Nothing here touches Redis or the network, so a forge gets its answer in milliseconds whatever else is down. The
body is read under a limit before anything looks at it, the signature is checked over those very bytes, and delivery
and runs become true in one transaction: a delivery answered with an error left nothing and may be sent again.
"""

import asyncio
import time

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from worker.context import Context, Serving
from worker.errors import Malformed, NotFound, TooLarge
from worker.forges import FORGES
from worker.forges.base import Forge, Parsed
from worker.store import repositories
from worker.store.inbox import AcceptedRun, Delivery, accept
from worker.store.repositories import StoredRepository

_LARGEST_BODY = 25 * 1024 * 1024
_PATIENCE_SECONDS = 30


async def receive(forge: str, owner: str, name: str, request: Request, context: Serving) -> JSONResponse:
    """Take a delivery. 202: its runs are stored, and will be done. 200: it asks for no run, and says why."""
    repository = await run_in_threadpool(_repository, context, forge, owner, name)
    body = await _body(request)
    return await run_in_threadpool(_take, context, FORGES[forge], repository, request, body)


def _repository(context: Context, forge: str, owner: str, name: str) -> StoredRepository:
    with context.database.read() as connection:
        repository = repositories.named(connection, owner, name)
    if forge != repository.forge:
        raise NotFound(f"{repository.full_name} has no hook for {forge[:40]!r}; see `headrace repo list`")
    return repository


async def _body(request: Request) -> bytes:
    declared = request.headers.get("content-length", "")
    _check_size(int(declared) if declared.isdecimal() else 0)
    body = bytearray()
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            async for chunk in request.stream():
                body += chunk
                _check_size(len(body))
    except TimeoutError as error:
        raise Malformed(f"the body did not come within {_PATIENCE_SECONDS} s") from error
    return bytes(body)


def _check_size(size_bytes: int) -> None:
    if size_bytes > _LARGEST_BODY:
        raise TooLarge(f"the body is larger than {_LARGEST_BODY // 1024**2} MiB")


def _take(context: Context, forge: Forge, repository: StoredRepository, request: Request, body: bytes) -> JSONResponse:
    forge.verify(request.headers, body, repository.secret, time.time())
    parsed = forge.parse(request.headers, body, repository)
    if not parsed.events:
        return JSONResponse({"ignored": parsed.ignored})
    runs = [_described(context, repository, run) for run in _stored(context, repository, parsed)]
    return JSONResponse({"run": runs[0]["id"], "url": runs[0]["url"], "runs": runs}, status_code=202)


def _stored(context: Context, repository: StoredRepository, parsed: Parsed) -> list[AcceptedRun]:
    delivery = Delivery(key=parsed.key, event=parsed.name, payload=parsed.payload)
    runs = context.inbox.do(lambda connection: accept(connection, repository, delivery, parsed.events))
    context.announce()
    return runs


def _described(context: Context, repository: StoredRepository, run: AcceptedRun) -> dict[str, str | int]:
    return {"id": run.id, "number": run.number, "url": context.run_url(repository.full_name, run.number)}
