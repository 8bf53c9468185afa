"""Reporter: a Sink that hands Records to the server, in order, through whatever Redis goes through.

DESIGN. The task's threads only append to a buffer; one thread sends what has gathered, at most every 100 ms or 256 KB,
and tries again until Redis takes it. The buffer is bounded: a step that prints faster than Redis takes, waits. If the
server falls behind, the stream is not filled without end either. Nothing is dropped, save when Redis stays away for
`patience` at the end of the task; then the server will call the task lost, which is the truth.
"""

import threading
import time
from collections import deque
from datetime import timedelta

import structlog
from redis.exceptions import RedisError

from pipelines.records import AnyRecord, Log
from worker.exchange import Exchange

_BATCH_BYTES = 256 << 10
_BUFFER_BYTES = 32 << 20
_LARGEST_BACKLOG = 2_000
_GATHER_SECONDS = 0.05
_RETRY_SECONDS = 1.0

log = structlog.get_logger()


class Reporter:
    """Takes the Records of one task, from any thread. `close` it, or the last ones may be missing."""

    def __init__(self, exchange: Exchange, task: str, *, patience: timedelta = timedelta(minutes=10)) -> None:
        self._exchange = exchange
        self._task = task
        self._patience = patience
        self._changed = threading.Condition()
        self._records: deque[AnyRecord] = deque()
        self._held_bytes = 0
        self._is_closing = self._has_ended = False
        self._deadline = float("inf")
        self._thread = threading.Thread(target=self._run, name="reporter", daemon=True)
        self._thread.start()

    def __call__(self, record: AnyRecord) -> None:
        """Take one Record; waits while the buffer is full."""
        with self._changed:
            self._changed.wait_for(lambda: self._held_bytes < _BUFFER_BYTES or self._has_ended)
            self._records.append(record)
            self._held_bytes += _size(record)
            self._changed.notify_all()

    def give_up_after(self, patience: timedelta) -> None:
        """Wait for a Redis that is away no longer than this, from now on."""
        self._deadline = min(self._deadline, time.monotonic() + patience.total_seconds())

    def close(self) -> bool:
        """Wait until all is handed over; False if Redis stayed away for too long."""
        self.give_up_after(self._patience)
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        self._thread.join()
        return not self._records

    def _run(self) -> None:
        while batch := self._next_batch():
            if not self._send(batch):
                log.error("records are lost: redis stayed away", task=self._task, records=len(batch))
                break
            with self._changed:
                for record in batch:
                    self._records.popleft()
                    self._held_bytes -= _size(record)
                self._changed.notify_all()
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()

    def _next_batch(self) -> list[AnyRecord]:
        """What to send next, after a moment in which more may gather; nothing once closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._records or self._is_closing)
            if not self._is_closing and self._held_bytes < _BATCH_BYTES:
                self._changed.wait_for(lambda: self._is_closing, timeout=_GATHER_SECONDS)
            batch, size_bytes = [], 0
            for record in self._records:
                batch.append(record)
                size_bytes += _size(record)
                if size_bytes >= _BATCH_BYTES:
                    break
            return batch

    def _send(self, batch: list[AnyRecord]) -> bool:
        was_away = False
        while True:
            try:
                if self._exchange.backlog() < _LARGEST_BACKLOG:
                    self._exchange.report(self._task, batch)
                    return True
            except RedisError as error:
                if not was_away:
                    log.warning("records wait: redis does not answer", task=self._task, error=str(error))
                was_away = True
            if time.monotonic() > self._deadline:
                return False
            time.sleep(_RETRY_SECONDS if was_away else _GATHER_SECONDS)


def _size(record: AnyRecord) -> int:
    lines = record.lines if isinstance(record, Log) else ()
    return 200 + sum(map(len, lines)) + 8 * len(lines)
