"""Stop: the one way to tell work under way that it must end, and why.

DESIGN. Whoever wants an end (Ctrl-C, a time-out, a cancel from the server) calls `request`; whoever does the work
registers `on_request` or looks at `requested`. A stop never un-happens and its first reason counts. A step's Stop is
a child of its job's, so that one request ends everything below it and a step's own time-out ends only the step.
"""

import threading
from collections.abc import Callable

from pipelines.status import Status


class Stop:
    """A request to end, from any thread, once. `status` is what the stopped work will be called."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._event = threading.Event()
        self._callbacks: list[Callable[[], None]] = []
        self.status = Status.CANCELLED
        self.reason = ""

    @property
    def requested(self) -> bool:
        """True from the first request on."""
        return self._event.is_set()

    def request(self, status: Status, reason: str) -> None:
        """Ask for the end. Only the first request counts; callbacks run in this thread, before this returns."""
        with self._lock:
            if self._event.is_set():
                return
            self.status, self.reason = status, reason
            self._event.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def on_request(self, callback: Callable[[], None]) -> None:
        """Call `callback` once when the end is asked for; at once if it already was."""
        with self._lock:
            if not self._event.is_set():
                self._callbacks.append(callback)
                return
        callback()

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Block until the end is asked for; False if that took longer than the time-out."""
        return self._event.wait(timeout_seconds)

    def child(self) -> "Stop":
        """A Stop that ends when this one does, and can end by itself without this one."""
        child = Stop()
        self.on_request(lambda: child.request(self.status, self.reason))
        return child
