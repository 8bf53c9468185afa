"""Scribe: numbers and dates the Records of one run and hands them to its Sink, in order."""

import threading
from collections.abc import Callable
from typing import Any

from pipelines.records import AnyRecord, Sink
from runner.clock import now
from runner.errors import SinkError


class Scribe:
    """Writes the Records of one run. All its jobs share one, from any thread.

    `seq` counts from `first_seq`. The Sink is called by one thread at a time, in the order of `seq`; if it raises,
    `write` raises SinkError.
    """

    def __init__(self, run: str, sink: Sink, *, first_seq: int = 1, clock: Callable[[], str] = now) -> None:
        self.run = run
        self._sink = sink
        self._clock = clock
        self._next_seq = first_seq
        self._lock = threading.Lock()

    def write(self, kind: Callable[..., AnyRecord], **fields: Any) -> None:
        """Write one Record of this kind: `scribe.write(JobStarted, job="build")`."""
        with self._lock:
            record = kind(seq=self._next_seq, time=self._clock(), run=self.run, **fields)
            self._next_seq += 1
            try:
                self._sink(record)
            except SinkError:
                raise
            except Exception as error:
                raise SinkError(f"a record could not be handed on: {error}") from error
