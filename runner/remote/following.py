"""Following: a run's Records as they come from a server.

DESIGN. They come over one stream, which a proxy, a restart or the server itself may end at any time. Each event says
how to go on after it, so we come again with that, and nothing is missed or seen twice. We give up when the server has
been away for a minute, and at once when it refuses.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from pipelines.records import AnyRecord, RunFinished, decode
from runner.errors import RemoteError
from runner.remote.connection import Connection
from runner.remote.events import events

_AWAY_SECONDS = 60.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.1, 5.0


def follow(
    connection: Connection, run_id: str, *, logs: bool = True, sleep: Callable[[float], None] = time.sleep
) -> Iterator[AnyRecord]:
    """A run's Records from the beginning, log lines among them unless told otherwise, until it has ended."""
    reader = _Reader(logs=logs)
    while True:
        try:
            for record in reader.read(connection, run_id):
                yield record
                if isinstance(record, RunFinished):
                    return
        except RemoteError:
            if reader.is_alone():
                raise
        sleep(reader.next_pause())


@dataclass(slots=True)
class _Reader:
    """How far we have read, and how long nothing has come."""

    logs: bool
    after: str = ""
    heard_at: float = field(default_factory=time.monotonic)
    pause_seconds: float = _FIRST_PAUSE_SECONDS

    def read(self, connection: Connection, run_id: str) -> Iterator[AnyRecord]:
        """The next Records, as long as this stream lasts."""
        headers = {"accept": "text/event-stream"} | ({"last-event-id": self.after} if self.after else {})
        path = f"/api/runs/{run_id}/records"
        with connection.stream(path, params={"logs": str(int(self.logs))}, headers=headers) as answer:
            self._heard()
            for event in events(answer.iter_lines()):
                self.after = event.id
                self._heard()
                yield decode(event.data.encode())

    def is_alone(self) -> bool:
        """True if the server has been away for too long."""
        return time.monotonic() - self.heard_at > _AWAY_SECONDS

    def next_pause(self) -> float:
        """How long to wait before we come again; longer each time that nothing came."""
        pause, self.pause_seconds = self.pause_seconds, min(self.pause_seconds * 2, _LONGEST_PAUSE_SECONDS)
        return pause

    def _heard(self) -> None:
        self.heard_at, self.pause_seconds = time.monotonic(), _FIRST_PAUSE_SECONDS
