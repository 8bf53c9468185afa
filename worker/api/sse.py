"""Server-sent events: what is new of a run is read whenever there may be something, and sent until nothing can come."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.sse import format_sse_event
from starlette.responses import StreamingResponse

from worker.access.guard import is_known
from worker.live import Live

_HEARTBEAT_SECONDS = 15  # proxies close connections that are silent for 30 to 60 s
_ASK_AGAIN_SECONDS = 15.0  # whether the viewer may still see this: a token may be revoked, a session ended
_LONGEST_SECONDS = 600  # then the viewer comes again
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Who may want events: what they accept, the id of the last event they had, and whether they may see more."""

    accept: str
    last_event_id: str
    may_go_on: Callable[[], bool]


def _listener(
    request: Request, accept: Annotated[str, Header()] = "", last_event_id: Annotated[str, Header()] = ""
) -> Listener:
    may_go_on = partial(is_known, request.app.state.context, request)
    return Listener(accept=accept, last_event_id=last_event_id, may_go_on=may_go_on)


Listening = Annotated[Listener, Depends(_listener)]
"""The type of an endpoint's argument that gets who listens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one reading gave: events in wire form, and whether these were the last ones there will ever be."""

    events: list[bytes]
    is_last: bool


def event(data: str, *, event_id: str | None = None, name: str | None = None) -> bytes:
    """One event in wire form. A browser gives the last `event_id` back when it comes again."""
    return format_sse_event(data_str=data, id=event_id, event=name)


def stream(live: Live, run_id: str, read: Callable[[], Batch], listener: Listener) -> StreamingResponse:
    """A response that calls `read`, in a thread, whenever the run may have something new, until it gives its last.

    It ends, too, once the listener may see no more.
    """
    return StreamingResponse(_events(live, run_id, read, listener), media_type="text/event-stream", headers=_HEADERS)


async def _events(live: Live, run_id: str, read: Callable[[], Batch], listener: Listener) -> AsyncIterator[bytes]:
    viewer = live.subscribe(run_id)
    try:
        yield b": welcome\n\n"
        asked = began = time.monotonic()
        while (now := time.monotonic()) < began + _LONGEST_SECONDS:
            if now >= asked + _ASK_AGAIN_SECONDS:
                if not await run_in_threadpool(listener.may_go_on):
                    return
                asked = now
            viewer.clear()  # before reading: what comes while we read wakes us again
            batch = await run_in_threadpool(read)
            for wire in batch.events:
                yield wire
            if batch.is_last:
                return
            if not batch.events and not await _is_woken(viewer):
                yield b": still here\n\n"
    finally:
        live.unsubscribe(run_id, viewer)


async def _is_woken(viewer: asyncio.Event) -> bool:
    with suppress(TimeoutError):
        return await asyncio.wait_for(viewer.wait(), _HEARTBEAT_SECONDS)
    return False
