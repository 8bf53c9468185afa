"""The scheduler: a thread of the server that looks at the clock and makes the runs whose time has come."""

from collections.abc import Callable
from datetime import UTC, datetime

from worker.rounds import Rounds
from worker.store import schedules
from worker.store.database import Database

_LOOK_SECONDS = 5.0  # at the most: a clock that is set anew, or a new schedule, is noticed so soon


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
    """Keeps the times of all schedules, in `thread`. `announce` hears of new runs."""

    def __init__(
        self, database: Database, *, announce: Callable[[], None], clock: Callable[[], datetime] = the_time
    ) -> None:
        self._database = database
        self._announce = announce
        self._clock = clock
        self.thread = Rounds("scheduler", self._look, waits="schedules wait")

    def _look(self) -> float:
        """Keep the times that have come; what was missed while no server ran is made up for at once."""
        if keep_times(self._database, self._clock()):
            self._announce()
        return self._seconds_to_the_next()

    def _seconds_to_the_next(self) -> float:
        """Until the next time, but not too long."""
        with self._database.read() as connection:
            known = schedules.enabled(connection)
        if not known:
            return _LOOK_SECONDS
        return min(_LOOK_SECONDS, max(0.0, (known[0].next_at - self._clock()).total_seconds()))
