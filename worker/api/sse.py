"""Server-sent events: what is new of a run is read whenever there may be something, and sent until nothing can come."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass

from fastapi.concurrency import run_in_threadpool
from fastapi.sse import format_sse_event
from starlette.responses import StreamingResponse

from worker.live import Live

_HEARTBEAT_SECONDS = 15  # proxies close connections that are silent for 30 to 60 s
_LONGEST_SECONDS = 600  # then the viewer comes again, and is asked again who it is
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one reading gave: events in wire form, and whether these were the last ones there will ever be."""

    events: list[bytes]
    is_last: bool


def event(data: str, *, event_id: str | None = None, name: str | None = None) -> bytes:
    """One event in wire form. A browser gives the last `event_id` back when it comes again."""
    return format_sse_event(data_str=data, id=event_id, event=name)


def stream(live: Live, run_id: str, read: Callable[[], Batch]) -> StreamingResponse:
    """A response that calls `read`, in a thread, whenever the run may have something new, until it gives its last."""
    return StreamingResponse(_events(live, run_id, read), media_type="text/event-stream", headers=_HEADERS)


async def _events(live: Live, run_id: str, read: Callable[[], Batch]) -> AsyncIterator[bytes]:
    viewer = live.subscribe(run_id)
    try:
        yield b": welcome\n\n"
        end = time.monotonic() + _LONGEST_SECONDS
        while time.monotonic() < end:
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
