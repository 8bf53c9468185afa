"""The ingester: Records from the workers become history and log files, each once, and viewers hear of it.

DESIGN. Reports are read in a consumer group and deleted only when they are in the database, so a server that dies in
between reads them again; the history knows which Records it has (by number), the log files which lines (by number). Log
lines are written, and flushed, before the transaction that counts their Records commits. How far that is, the workers
hear with it: what a Redis has lost that was emptied, or that fell behind its disk, they send again. A worker that goes
on with what has ended is told to stop.
"""

from collections.abc import Callable, Sequence

import structlog
from redis.exceptions import RedisError, ResponseError

from pipelines.records import AnyRecord, JobFinished, Log, RunFinished
from runner.results.logstore import LogStore
from worker.errors import Unavailable
from worker.exchange import Exchange, Report
from worker.live import Live
from worker.rounds import Rounds
from worker.storage import Storage
from worker.store import history
from worker.store import tasks as task_store
from worker.store.database import Database

_RETRY_SECONDS = 1.0

log = structlog.get_logger()


class Ingester:
    """Takes what workers report, in `thread`.

    `on_task_ended` is called with the id of each task that is over; `live` hears of every run that something new has
    come of.
    """

    def __init__(
        self,
        database: Database,
        storage: Storage,
        exchange: Exchange,
        *,
        live: Live,
        on_task_ended: Callable[[str], None],
    ) -> None:
        self._database = database
        self._storage = storage
        self._exchange = exchange
        self._on_task_ended = on_task_ended
        self._open_logs: dict[str, LogStore] = {}
        self._live = live
        self._is_away = self._has_group = False
        self._again = True
        self.thread = Rounds("ingester", self._read, waits="records wait")

    def _read(self) -> float:
        try:
            self._take_next()
        except ResponseError as error:
            self._has_group = False  # a Redis that was emptied has forgotten the group, too
            log.warning("records wait: redis refuses", error=str(error))
            return _RETRY_SECONDS
        except (RedisError, Unavailable, OSError) as error:  # OSError: the disk is full, say
            if not self._is_away:
                log.warning("records wait", error=str(error))
            self._is_away = self._again = True
            return _RETRY_SECONDS
        self._is_away = False
        return 0.0

    def _take_next(self) -> None:
        """Take what comes next, or what was read and not taken; waits a moment for it."""
        if not self._has_group:
            self._exchange.open_reports()
            self._has_group = self._again = True
        reports = self._exchange.reports(again=self._again)
        self._again = self._again and bool(reports)
        if reports:
            self._take_all(reports)

    def _take_all(self, reports: Sequence[Report]) -> None:
        """Take these reports together; if one of them breaks us, the others by themselves, so that nothing waits."""
        try:
            self._take(reports)
        except (RedisError, Unavailable, OSError):
            raise
        except Exception:
            log.exception("report broke the ingester", tasks=[report.task for report in reports])
            if len(reports) > 1:
                for report in reports:
                    self._take_all([report])
            else:
                self._exchange.acknowledge(reports, _to_their_end(reports))

    def _take(self, reports: Sequence[Report]) -> None:
        taken: list[tuple[str, AnyRecord]] = []
        with self._database.write() as connection:
            for report in reports:
                fresh = history.take(connection, report.task, report.records)
                taken += [(report.task, record) for record in fresh]
            self._write_logs([record for _, record in taken])
            last = {task: task_store.last_taken(connection, task) for task in _to_their_end(reports)}
        over = [task for task, number in last.items() if number is None]
        counted = {task: number for task, number in last.items() if number is not None}
        self._exchange.acknowledge(reports, {**_to_their_end(reports), **counted})
        for task in set(over) - {task for task, _ in taken}:
            self._exchange.give_up(task)
        self._tell(taken)

    def _write_logs(self, records: Sequence[AnyRecord]) -> None:
        touched = set()
        for record in records:
            if isinstance(record, Log):
                self._logs_of(record.run).append(record)
                touched.add(record.run)
        for run in touched:
            self._logs_of(run).flush()

    def _tell(self, taken: Sequence[tuple[str, AnyRecord]]) -> None:
        for task, record in taken:
            if isinstance(record, JobFinished | RunFinished):
                self._close_logs(record.run)
            if isinstance(record, history.LAST_OF_A_TASK):
                self._on_task_ended(task)
        for run in {record.run for _, record in taken}:
            self._live.publish(run)

    def _logs_of(self, run: str) -> LogStore:
        if run not in self._open_logs:
            self._open_logs[run] = self._storage.logs(run)
        return self._open_logs[run]

    def _close_logs(self, run: str) -> None:
        logs = self._open_logs.pop(run, None)
        if logs:
            logs.close()


def _to_their_end(reports: Sequence[Report]) -> dict[str, int]:
    """The number of the last Record of each task that is reported of: its worker need not send them again."""
    return {report.task: report.records[-1].seq for report in reports if report.records}
