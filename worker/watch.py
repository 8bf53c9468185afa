"""Watch: a task under way keeps its lease, and hears of what ends it early."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from redis.exceptions import RedisError

from pipelines.status import Status
from runner.stop import Stop
from worker.exchange import Exchange

_LOOK_SECONDS = 1.0

log = structlog.get_logger()


@contextmanager
def watched(exchange: Exchange, task: str, worker: str, stop: Stop) -> Iterator[None]:
    """Until the block ends, renew this worker's lease on the task, and ask `stop` to end what was cancelled or lost."""
    is_over = threading.Event()

    def watch() -> None:
        next_renewal = time.monotonic() + exchange.renew_seconds
        while not is_over.wait(min(_LOOK_SECONDS, exchange.renew_seconds)):
            try:
                if exchange.is_over(task):
                    stop.request(Status.LOST, "the server has given it up: this worker was away for too long")
                elif time.monotonic() >= next_renewal:
                    if not exchange.renew(task, worker):
                        stop.request(Status.LOST, "another worker has it: Redis had forgotten that this one does")
                    next_renewal = time.monotonic() + exchange.renew_seconds
                if (reason := exchange.cancel_reason(task)) is not None:
                    stop.request(Status.CANCELLED, reason)
            except RedisError as error:
                log.warning("lease is not renewed", task=task, error=str(error))

    thread = threading.Thread(target=watch, name="watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
