"""The dispatcher: what the database says is to be done gets into queues, and what was lost gets noticed.

DESIGN. It trusts only the database. Every round it gives out the tasks whose turn it is (`waiting/turns`), each into
the queue of workers that are free for it: first in the database, then in Redis. Every few seconds it looks at all tasks
that are out: one that Redis has forgotten is put in again, one whose workers have all gone is taken back, one that a
worker claimed but stopped renewing is lost. While Redis is away it waits, and counts nobody as lost for that time.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec
import structlog
from redis.exceptions import RedisError
from sqlalchemy import Connection

from pipelines.status import Status
from worker.continuing import Before
from worker.errors import SettingsError, Unavailable, Unsealable
from worker.exchange import Exchange, Holding
from worker.live import Live
from worker.order import JobOrder, Order
from worker.queue import TaskQueue
from worker.roster import Roster
from worker.rounds import Rounds
from worker.storage import Storage
from worker.store import decisions, history
from worker.store import tasks as task_store
from worker.store import turns as turn_store
from worker.store.before import before_of
from worker.store.database import Database
from worker.store.tasks import StoredTask, TaskState
from worker.waiting.crew import Crew, classes_of
from worker.waiting.turns import Turn, turns

_RECONCILE_SECONDS = 5.0
_LOOK_OUT_SECONDS = 1.0  # for a worker that has come, while something waits for one
_RETRY_SECONDS = 1.0

log = structlog.get_logger()


class Dispatcher:
    """Keeps the queues in step with the database, in `thread`.

    `order` says what a worker is told of a task; it may raise Unsealable and SettingsError. `live` hears of runs that
    end here.
    """

    def __init__(
        self,
        database: Database,
        exchange: Exchange,
        queue: TaskQueue,
        *,
        order: Callable[[Connection, StoredTask], Order],
        storage: Storage,
        roster: Roster,
        live: Live,
    ) -> None:
        self._database = database
        self._exchange = exchange
        self._queue = queue
        self._order = order
        self._storage = storage
        self._roster = roster
        self._crew = Crew()
        self._orphaned_since: dict[str, float] = {}
        self._live = live
        self._next_reconciliation = 0.0
        self.thread = Rounds("dispatcher", self._dispatch, waits="runs wait")

    @property
    def crew(self) -> Crew:
        """The workers, as they were seen a moment ago. May be read from any thread."""
        return self._crew

    def _dispatch(self) -> float:
        try:
            self._look_out()
            if time.monotonic() >= self._next_reconciliation:
                self._reconcile()
                self._next_reconciliation = time.monotonic() + _RECONCILE_SECONDS
            is_waiting = self._give_out()
            self._cancel()
        except (RedisError, Unavailable) as error:
            self._note_outage(error)
            self.thread.pause(_RETRY_SECONDS)
            return 0.0
        patience = self._next_reconciliation - time.monotonic()
        return min(patience, _LOOK_OUT_SECONDS) if is_waiting else patience

    def _look_out(self) -> None:
        """See which workers there are."""
        workers = self._roster.workers()
        if self._crew.is_redis_away:
            log.info("redis answers again")
        self._crew = Crew(workers=workers, orphans=frozenset(self._orphaned_since))

    def _note_outage(self, error: Exception) -> None:
        """What we knew of Redis may be gone with it, and of our database what we read by halves."""
        if isinstance(error, Unavailable):
            log.warning("runs wait", error=str(error))
        elif not self._crew.is_redis_away:
            log.warning("runs wait: can't reach the queue", error=str(error))
            self._crew = replace(self._crew, is_redis_away=True)
        self._orphaned_since.clear()
        self._next_reconciliation = 0.0

    def _give_out(self) -> bool:
        """Give out the tasks whose turn it is; True if others wait."""
        with self._database.read() as connection:
            waiting = turn_store.next_waiting(connection)
            holds_back = turn_store.holds_any_back(connection)
            if not waiting:
                return holds_back
            out = task_store.in_state(connection, TaskState.QUEUED, TaskState.RUNNING)
            classes = classes_of(self._crew, [(task.id, task.queue) for task in out])
            found = turns(waiting, classes, turn_store.under_way(connection))
        if found:
            self._give(found)
        return holds_back or len(found) < len(waiting)

    def _give(self, found: Sequence[Turn]) -> None:
        with self._database.write() as connection:
            for turn in found:
                task_store.give(connection, turn.task, turn.queue)
        with self._database.read() as connection:
            given = [task_store.find(connection, turn.task) for turn in found]
        for task in given:
            if task and task.state is TaskState.QUEUED:
                self._enqueue(task)

    def _cancel(self) -> None:
        """Take back what is to be cancelled and not begun; have workers stop what they have begun."""
        with self._database.read() as connection:
            unwanted = task_store.to_cancel(connection)
        for task, reason in unwanted:
            # Where Redis was emptied, nobody seems to have one that a worker has: so it is told in any case.
            self._exchange.ask_to_cancel(task.id, reason)
            if self._exchange.withdraw(task.id):
                with self._database.write() as connection:
                    history.end_withdrawn(connection, task, Status.CANCELLED, reason)
                self._tell(task.run_id)
                self._queue.remove(task.id)

    def _tell(self, run_id: str) -> None:
        self._live.publish(run_id)
        self.thread.wake()

    def _reconcile(self) -> None:
        """Look at every task that is out, and mend what Redis has lost."""
        with self._database.read() as connection:
            out = task_store.in_state(connection, TaskState.QUEUED, TaskState.RUNNING)
        holdings = self._exchange.holdings([task.id for task in out])
        queues = {worker.queue for worker in self._crew.workers}
        orphans, deserted = set(), []
        for task in out:
            holding = holdings[task.id]
            if holding.is_leased:
                continue
            if holding.is_claimed or task.state is TaskState.RUNNING:
                orphans.add(task.id)
                self._check_orphan(task, holding)
            elif task.queue in queues:
                self._enqueue(task)
            else:
                deserted.append(task)
        self._orphaned_since = {task: since for task, since in self._orphaned_since.items() if task in orphans}
        self._crew = replace(self._crew, orphans=frozenset(self._orphaned_since))
        self._take_back(deserted)
        self._end_overdue()

    def _end_overdue(self) -> None:
        """End the jobs that nobody has let begin in time."""
        with self._database.read() as connection:
            jobs = decisions.overdue(connection)
        for job in jobs:
            with self._database.write() as connection:
                decisions.end_overdue(connection, job)
            self._tell(job.run_id)

    def _take_back(self, deserted: Sequence[StoredTask]) -> None:
        """The workers that these were given to have gone: others may take them. One that comes back after all claims
        a task or finds it claimed.
        """
        for task in deserted:
            self._queue.remove(task.id)
        if deserted:
            log.info("workers have gone; their tasks wait for others", tasks=[task.id for task in deserted])
            with self._database.write() as connection:
                task_store.take_back(connection, [task.id for task in deserted])

    def _check_orphan(self, task: StoredTask, holding: Holding) -> None:
        """A lease has run out, or Redis was emptied: a worker that goes on renews it within a few seconds."""
        lease_seconds = self._exchange.lease_seconds
        since = self._orphaned_since.setdefault(task.id, time.monotonic())
        if holding.is_gone:
            self._give_up(task, "the process that did it was killed; its worker goes on")
        elif time.monotonic() - since >= lease_seconds / 2:
            self._give_up(task, f"its worker has not been heard of for {lease_seconds:g} s")

    def _give_up(self, task: StoredTask, reason: str) -> None:
        log.warning("worker is lost", task=task.id, run=task.run_id)
        self._exchange.give_up(task.id)  # first: a server that dies in between will look again, a worker would not
        with self._database.write() as connection:
            current = task_store.find(connection, task.id)
            if current is None or current.state is TaskState.ENDED:
                return
            history.declare_lost(connection, current, reason)
        self._exchange.release(task.id)
        self._tell(task.run_id)

    def _enqueue(self, task: StoredTask) -> None:
        try:
            with self._database.read() as connection:
                order = self._order(connection, task)
                if isinstance(order, JobOrder) and task.attempt > 1:
                    order = msgspec.structs.replace(order, before=self._before(connection, order))
        except (Unsealable, SettingsError) as error:
            self._refuse(task, str(error))
            return
        self._exchange.place(order)
        self._queue.put(task.id, task.queue)
        log.info("task is enqueued", task=task.id, run=task.run_id)

    def _before(self, connection: Connection, order: JobOrder) -> dict[str, Before]:
        """What lost attempts at the job have left. Nothing is added to that: their Records are refused by now."""
        logs = self._storage.logs(order.run)
        return before_of(connection, order.run, order.job, lambda step: logs.next_line(order.job.name, step) - 1)

    def _refuse(self, task: StoredTask, reason: str) -> None:
        """End a task that no worker can be given."""
        log.error("task can't be given out", task=task.id, run=task.run_id, error=reason)
        with self._database.write() as connection:
            history.end_withdrawn(connection, task, Status.ERROR, reason)
        self._tell(task.run_id)
