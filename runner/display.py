"""Display: a Sink that shows Records in a thread of its own, so that who doesn't read holds a run up no longer than it
is to go on.

DESIGN. Whoever reads stdout may stop reading and never close it: a pager that waits for its reader does. Until the run
is to end, it waits for them, as any program would. Once `stop` is requested nothing of the run waits: Records queue up
here, and log lines for which there is no room are left out, for they are kept with the run. At its end the run waits
for what is queued to be read, unless `abort` is requested; then the thread is left behind in its write.
"""

import threading
from collections import deque

from pipelines.records import AnyRecord, Log, Sink
from pipelines.status import Status
from runner.stop import Stop

_ROOM_BYTES = 4 << 20


class Display:
    """Hands Records on to `show`, in order. `close` it, or the last ones may be missing.

    `failure` is what `show` has raised, and `left_out` the number of lines that it wasn't given.
    """

    def __init__(self, show: Sink, *, stop: Stop, abort: Stop) -> None:
        self._show = show
        self._stop = stop
        self._abort = abort
        self._changed = threading.Condition()
        self._records: deque[AnyRecord] = deque()
        self._waiting_bytes = 0
        self._is_closing = self._has_ended = False
        self.failure: Exception | None = None
        self.left_out = 0
        threading.Thread(target=self._run, name="headrace-display", daemon=True).start()
        for each in (stop, abort):
            each.on_request(self._look_again)

    def __call__(self, record: AnyRecord) -> None:
        """Take one Record; waits while there is no room, unless the run is to end. Raises what `show` has raised."""
        with self._changed:
            self._changed.wait_for(lambda: self._has_room() or self._stop.requested or self.failure)
            if self.failure:
                raise self.failure
            if isinstance(record, Log) and not self._has_room():
                self.left_out += len(record.lines)
                return
            self._records.append(record)
            self._waiting_bytes += _size(record)
            self._changed.notify_all()

    def close(self) -> bool:
        """Wait until all is shown, or nothing more can be; False if `abort` was requested before."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._has_ended or self._abort.requested)
            return self._has_ended

    def _has_room(self) -> bool:
        return self._waiting_bytes < _ROOM_BYTES

    def _look_again(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _run(self) -> None:
        try:
            while (record := self._next()) is not None:
                self._show(record)
                self._note_shown(record)
        except Exception as failure:  # noqa: BLE001 - it belongs to those who write
            self.failure = failure
            self._stop.request(Status.ERROR, f"the run can't be shown: {failure}")
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()

    def _next(self) -> AnyRecord | None:
        """The next Record to be shown; None after the last."""
        with self._changed:
            self._changed.wait_for(lambda: self._records or self._is_closing)
            return self._records.popleft() if self._records else None

    def _note_shown(self, record: AnyRecord) -> None:
        with self._changed:
            self._waiting_bytes -= _size(record)
            self._changed.notify_all()


def _size(record: AnyRecord) -> int:
    return 200 + sum(map(len, record.lines)) if isinstance(record, Log) else 200
