"""Reporter: a Sink that hands Records to the server, in order, through whatever Redis goes through.

DESIGN. The task's threads only append to a buffer; one thread sends what has gathered, at most every 50 ms or 256 KB,
and tries again until Redis takes it. What was sent is kept until the server says that it has it: a Redis that is
emptied, or that wakes up without its last second, is sent all of that again, and the server knows by its number what it
has already. The buffer is bounded: a step that prints faster than the server takes, waits. Nothing is dropped, save
when Redis stays away for `patience` at the end of the task; then the server will call the task lost, which it is. At
that end the server is waited for, but only for a moment: Redis keeps what it does not fetch.
"""

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from redis.exceptions import RedisError

from pipelines.records import AnyRecord, Log
from worker.exchange import Exchange
from worker.redis_client import trouble_of

_BATCH_BYTES = 256 << 10
_BUFFER_BYTES = 32 << 20
_LARGEST_BACKLOG = 2_000
_GATHER_SECONDS = 0.05
_LOOK_SECONDS = 1.0
_RETRY_SECONDS = 1.0
_SHORTEST_LOOK_SECONDS = 0.005
_GOODBYE = timedelta(seconds=5)

log = structlog.get_logger()


@dataclass(slots=True)
class _Sent:
    """Records that were sent together as this entry of the stream."""

    entry: bytes
    records: Sequence[AnyRecord]


class Reporter:
    """Takes the Records of one task, from any thread. `close` it, or the last ones may be missing."""

    def __init__(
        self,
        exchange: Exchange,
        task: str,
        *,
        patience: timedelta = timedelta(minutes=10),
        goodbye: timedelta = _GOODBYE,
    ) -> None:
        self._exchange = exchange
        self._task = task
        self._patience = patience
        self._goodbye = goodbye
        self._changed = threading.Condition()
        self._records: deque[AnyRecord] = deque()
        self._sent: deque[_Sent] = deque()
        self._waiting_bytes = self._sent_bytes = 0
        self._is_closing = self._has_ended = False
        self._deadline = float("inf")
        self._thread = threading.Thread(target=self._run, name="reporter", daemon=True)
        self._thread.start()

    def __call__(self, record: AnyRecord) -> None:
        """Take one Record; waits while the buffer is full."""
        with self._changed:
            self._changed.wait_for(lambda: self._has_room() or self._has_ended)
            self._records.append(record)
            self._waiting_bytes += _size(record)
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
        while not self._is_done():
            batch = self._next_batch()
            if not self._send(batch):
                log.error("records are lost: redis stayed away", task=self._task, records=len(self._records))
                break
        else:
            self._see_off()
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()

    def _has_room(self) -> bool:
        return self._waiting_bytes + self._sent_bytes < _BUFFER_BYTES

    def _is_done(self) -> bool:
        with self._changed:
            return self._is_closing and not self._records

    def _next_batch(self) -> list[AnyRecord]:
        """What to send next, after a moment in which more may gather; nothing if it is time to look at what was."""
        with self._changed:
            look_seconds = _LOOK_SECONDS if self._sent else None
            self._changed.wait_for(lambda: self._records or self._is_closing, timeout=look_seconds)
            if self._records and not self._is_closing and self._waiting_bytes < _BATCH_BYTES:
                self._changed.wait_for(lambda: self._is_closing, timeout=_GATHER_SECONDS)
            batch, size_bytes = [], 0
            for record in self._records:
                batch.append(record)
                size_bytes += _size(record)
                if size_bytes >= _BATCH_BYTES:
                    break
            return batch

    def _send(self, batch: Sequence[AnyRecord]) -> bool:
        """Send these, and again what was lost; False if Redis stayed away for too long."""
        was_away = False
        while True:
            try:
                if self._look() < _LARGEST_BACKLOG:
                    if batch:
                        self._hand_over(batch)
                    return True
            except RedisError as error:
                if not was_away:
                    log.warning("records wait: redis does not answer", task=self._task, error=trouble_of(error))
                was_away = True
            if time.monotonic() > self._deadline:
                return False
            time.sleep(_RETRY_SECONDS if was_away else _GATHER_SECONDS)

    def _hand_over(self, batch: Sequence[AnyRecord]) -> None:
        self._sent.append(_Sent(self._exchange.report(self._task, batch), batch))
        size_bytes = sum(map(_size, batch))
        with self._changed:
            for _ in batch:
                self._records.popleft()
            self._waiting_bytes -= size_bytes
            self._sent_bytes += size_bytes

    def _look(self) -> int:
        """Forget what the server has, and send again what Redis has lost; gives how many reports wait there."""
        if not self._sent:
            return self._exchange.backlog()
        oldest = self._sent[0]
        standing = self._exchange.standing(self._task, oldest.entry)
        self._forget(standing.taken)
        if self._sent and self._sent[0] is oldest and not standing.is_held:
            log.warning("records were lost in redis: they are sent again", task=self._task)
            for each in self._sent:
                each.entry = self._exchange.report(self._task, each.records)
        return standing.backlog

    def _forget(self, taken: int) -> None:
        while self._sent and self._sent[0].records[-1].seq <= taken:
            size_bytes = sum(map(_size, self._sent.popleft().records))
            with self._changed:
                self._sent_bytes -= size_bytes
                self._changed.notify_all()

    def _see_off(self) -> None:
        """Wait a moment for the server to have taken all."""
        deadline = min(self._deadline, time.monotonic() + self._goodbye.total_seconds())
        pause = _SHORTEST_LOOK_SECONDS
        while time.monotonic() < deadline:
            try:
                self._look()
            except RedisError:
                pause = _RETRY_SECONDS
            if not self._sent:
                return
            time.sleep(pause)
            pause = min(2 * pause, _LOOK_SECONDS)


def _size(record: AnyRecord) -> int:
    lines = record.lines if isinstance(record, Log) else ()
    return 200 + sum(map(len, lines)) + 8 * len(lines)
