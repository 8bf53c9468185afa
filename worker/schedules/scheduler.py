"""The scheduler: a thread of the server that looks at the clock and makes the runs whose time has come."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from worker.errors import Unavailable
from worker.store import schedules
from worker.store.database import Database

_LOOK_SECONDS = 5.0  # at the most: a clock that is set anew, or a new schedule, is noticed so soon
_RETRY_SECONDS = 1.0

log = structlog.get_logger()


def the_time() -> datetime:
    """The time by this machine's clock."""
    return datetime.now(UTC)


def keep_times(database: Database, now: datetime) -> int:
    """Make the runs whose time has come by this moment, each in a transaction of its own; gives how many."""
    with database.read() as connection:
        known = schedules.enabled(connection)
    made = 0
    for schedule in known:
        if schedule.next_at <= now:
            with database.write() as connection:
                made += schedules.keep(connection, schedule.id, now) is not None
        elif schedule.was_promised_in_a_future(now):
            with database.write() as connection:
                schedules.count_anew(connection, schedule, now)
    return made


class Scheduler:
    """A thread that keeps the times of all schedules. `announce` hears of new runs."""

    def __init__(
        self, database: Database, *, announce: Callable[[], None], clock: Callable[[], datetime] = the_time
    ) -> None:
        self._database = database
        self._announce = announce
        self._clock = clock
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)

    def start(self) -> None:
        """Begin: what was missed while no server ran is made up for at once."""
        self._thread.start()

    def is_alive(self) -> bool:
        """True while the thread runs."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """End, and wait for the end."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                if keep_times(self._database, self._clock()):
                    self._announce()
                self._stopping.wait(self._pause_seconds())
            except Unavailable as error:
                log.warning("schedules wait", error=str(error))
                self._stopping.wait(_RETRY_SECONDS)
            except Exception:
                log.exception("a round of the scheduler broke")  # the next one may not
                self._stopping.wait(_RETRY_SECONDS)

    def _pause_seconds(self) -> float:
        """Until the next time, but not too long."""
        with self._database.read() as connection:
            known = schedules.enabled(connection)
        if not known:
            return _LOOK_SECONDS
        return min(_LOOK_SECONDS, max(0.0, (known[0].next_at - self._clock()).total_seconds()))
