"""StepLog: one step's output on its way to the Scribe, in chunks of at most 64 KiB or 100 ms."""

import threading
import time
from collections import deque
from collections.abc import Callable

from pipelines.plan import PlannedStep
from pipelines.records import CommandRun, Log, Stream
from pipelines.status import Status
from runner.results.commandclock import CommandClock
from runner.results.marks import MarkReader
from runner.results.mask import Mask
from runner.results.output import DEFAULT_LIMIT_BYTES, Chunk, LineCutter
from runner.scribe import Scribe
from runner.stop import Stop

DELAY_SECONDS = 0.1


class Flusher:
    """One thread that calls each callback 100 ms after it was handed in: the clock of a job's logs.

    All wait the same time, so they come due in the order they came in.
    """

    def __init__(self) -> None:
        self._due: deque[tuple[float, Callable[[], None]]] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="headrace-flush", daemon=True)
        self._thread.start()

    def call_later(self, callback: Callable[[], None]) -> None:
        """Call `callback` in 100 ms, in the flusher's thread. It must not raise."""
        with self._changed:
            self._due.append((time.monotonic() + DELAY_SECONDS, callback))
            self._changed.notify()

    def close(self) -> None:
        """End the thread. What hasn't come due is dropped."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while (callback := self._next()) is not None:
            callback()

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            while not self._closed:
                if not self._due:
                    self._changed.wait()
                elif (left := self._due[0][0] - time.monotonic()) > 0:
                    self._changed.wait(left)
                else:
                    return self._due.popleft()[1]
        return None


class StepLog:
    """Takes a step's bytes from any thread and writes its Log Records in order.

    What the Scribe's Sink raises in the flusher's thread is raised by the next `write` or `close`; so that there is
    one, it also requests `stop`, the step's end. What a step prints beyond `limit_bytes` is dropped. All attempts at a
    step share one log: their lines are numbered on.
    """

    def __init__(
        self,
        scribe: Scribe,
        flusher: Flusher,
        mask: Mask,
        *,
        job: str,
        step: PlannedStep,
        stop: Stop,
        limit_bytes: int = DEFAULT_LIMIT_BYTES,
    ) -> None:
        self._scribe = scribe
        self._flusher = flusher
        self._job = job
        self._step = step
        self._attempt = 1
        self._stop = stop
        self._lock = threading.Lock()
        self._flush_is_due = False
        self._failure: Exception | None = None
        self._commands = CommandClock()
        self._cutter = LineCutter(
            self._emit,
            mask,
            marks=_mark_reader(step),
            on_mark=self._commands.mark,
            limit_bytes=limit_bytes,
        )

    def write(self, stream: Stream, data: bytes) -> None:
        """Take the next bytes of a stream. Raises what the Sink raised."""
        with self._lock:
            self._raise_failure()
            self._cutter.write(stream, data)
            if self._cutter.holds_lines and not self._flush_is_due:
                self._flush_is_due = True
                self._flusher.call_later(self._flush)

    def say(self, line: str) -> None:
        """Add a line of our own."""
        self.write(Stream.SYSTEM, line.encode("utf-8", "replace") + b"\n")

    def close(self) -> None:
        """Write all that is left, also a line without an end. May be called again. Raises what the Sink raised."""
        with self._lock:
            self._raise_failure()
            self._cutter.finish()

    def commands(self, exit_code: int | None) -> tuple[CommandRun, ...]:
        """What became of the commands that were reached, once the log is closed and the step's exit code known."""
        with self._lock:
            return self._commands.finish(exit_code)

    def begin_attempt(self, attempt: int) -> None:
        """What comes from here on is of this attempt at the step. Raises what the Sink raised."""
        with self._lock:
            self._raise_failure()
            self._commands = CommandClock()
            self._cutter.begin_anew(_mark_reader(self._step), self._commands.mark)
            self._attempt = attempt

    def _flush(self) -> None:
        with self._lock:
            self._flush_is_due = False
            try:
                self._cutter.flush()
            except Exception as failure:  # noqa: BLE001 - the Sink is anybody's; its error belongs to the step's thread
                self._failure = failure
        if self._failure is not None:
            self._stop.request(Status.ERROR, str(self._failure))

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _emit(self, chunk: Chunk) -> None:
        self._scribe.write(
            Log,
            job=self._job,
            step=self._step.name,
            stream=chunk.stream,
            line=chunk.line,
            lines=chunk.lines,
            command=chunk.command,
            attempt=self._attempt,
        )


def _mark_reader(step: PlannedStep) -> MarkReader:
    """A reader of what our script prints, if it is our script that prints."""
    return MarkReader(is_expected=bool(step.commands) and step.entrypoint is None)
