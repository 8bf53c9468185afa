"""Live: tells viewers in this process that something of a run has changed, so that they read it again.

DESIGN. The ingester writes from its own thread, viewers wait in the event loop. Only the news that there is something
new crosses over; what is new is read from the database and the log files, so a slow viewer costs nothing and a viewer
that was away misses nothing.
"""

import asyncio
from collections import defaultdict


class Live:
    """Wakes viewers of a run. Made within the event loop; `publish` may be called from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._viewers: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    def publish(self, run_id: str) -> None:
        """Something of this run is new."""
        self._loop.call_soon_threadsafe(self._wake, run_id)

    def subscribe(self, run_id: str) -> asyncio.Event:
        """An event that is set whenever the run has something new: clear it before you read, unsubscribe at the end."""
        viewer = asyncio.Event()
        self._viewers[run_id].add(viewer)
        return viewer

    def unsubscribe(self, run_id: str, viewer: asyncio.Event) -> None:
        """No more wake-ups for this viewer."""
        viewers = self._viewers[run_id]
        viewers.discard(viewer)
        if not viewers:
            del self._viewers[run_id]

    def _wake(self, run_id: str) -> None:
        for viewer in self._viewers.get(run_id, ()):
            viewer.set()
