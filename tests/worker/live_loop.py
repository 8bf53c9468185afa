"""A Live as the server has it: made in an event loop that runs in a thread of its own."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.waiting import PATIENCE_SECONDS
from worker.live import Live


@contextmanager
def running_live() -> Iterator[Live]:
    """A Live whose loop runs until the end of the block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield asyncio.run_coroutine_threadsafe(_made(), loop).result(PATIENCE_SECONDS)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _made() -> Live:
    return Live()
