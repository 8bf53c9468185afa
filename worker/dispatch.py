"""The dispatcher: what the database says is to be done gets into the queue, and what was lost gets noticed.

DESIGN. It trusts only the database. Every round it puts what is pending and new to it into the queue; every few seconds
it looks at all tasks that have not ended: one that Redis has forgotten is put in again, one that a worker claimed but
stopped renewing is lost. While Redis is away it waits, and counts nobody as lost for that time.
"""

import threading
import time
from functools import partial

import structlog
from redis.exceptions import RedisError

from pipelines.status import Status
from worker.errors import SettingsError, Unavailable, Unsealable
from worker.exchange import Exchange, Holding
from worker.live import Live
from worker.orders import order_of
from worker.queue import TaskQueue
from worker.secrets.sealing import Keyring
from worker.store import history
from worker.store import tasks as task_store
from worker.store.database import Database
from worker.store.tasks import StoredTask, TaskState

_RECONCILE_SECONDS = 5.0
_RETRY_SECONDS = 1.0

log = structlog.get_logger()


class Dispatcher:
    """A thread that keeps the queue in step with the database."""

    def __init__(
        self,
        database: Database,
        exchange: Exchange,
        queue: TaskQueue,
        keyring: Keyring,
        *,
        server_url: str,
        privileged_plugins: tuple[str, ...] = (),
    ) -> None:
        self._database = database
        self._exchange = exchange
        self._queue = queue
        self._order = partial(order_of, keyring=keyring, server_url=server_url, privileged_plugins=privileged_plugins)
        self._news = threading.Event()
        self._is_stopping = False
        self._given_out: set[str] = set()
        self._newest = ""  # when the newest of these was made
        self._orphaned_since: dict[str, float] = {}
        self._live: Live | None = None
        self._thread = threading.Thread(target=self._run, name="dispatcher", daemon=True)

    def start(self, live: Live) -> None:
        """Begin. `live` hears of runs that end because their worker is lost."""
        self._live = live
        self._thread.start()

    def wake(self) -> None:
        """There may be something new to do. May be called from any thread."""
        self._news.set()

    def is_alive(self) -> bool:
        """True while the thread runs."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """End, and wait for the end."""
        self._is_stopping = True
        self._news.set()
        self._thread.join()

    def _run(self) -> None:
        next_reconciliation = 0.0
        is_redis_away = False
        while not self._is_stopping:
            self._news.clear()
            try:
                if time.monotonic() >= next_reconciliation:
                    self._reconcile()
                    next_reconciliation = time.monotonic() + _RECONCILE_SECONDS
                else:
                    self._give_out()
                self._cancel()
                if is_redis_away:
                    log.info("redis answers again")
                is_redis_away = False
                self._news.wait(max(0.0, next_reconciliation - time.monotonic()))
            except (RedisError, Unavailable) as error:
                if not is_redis_away:
                    log.warning("runs wait: can't reach the queue", error=str(error))
                is_redis_away = True
                self._forget_redis()
                next_reconciliation = 0.0
                time.sleep(_RETRY_SECONDS)
            except Exception:
                log.exception("a round of the dispatcher broke")  # the next one may not
                time.sleep(_RETRY_SECONDS)

    def _give_out(self) -> None:
        """Put into the queue what is new: it looks only at what was made since the newest that was put there."""
        with self._database.read() as connection:
            pending = task_store.in_state(connection, TaskState.PENDING, since=self._newest)
        for task in pending:
            if task.id not in self._given_out:
                self._enqueue(task)

    def _cancel(self) -> None:
        """Take back what is to be cancelled and not begun; have workers stop what they have begun."""
        with self._database.read() as connection:
            unwanted = task_store.to_cancel(connection)
        for task, reason in unwanted:
            if self._exchange.withdraw(task.id):
                with self._database.write() as connection:
                    history.end_withdrawn(connection, task, Status.CANCELLED, reason)
                self._tell(task.run_id)
            else:
                self._exchange.ask_to_cancel(task.run_id, reason)

    def _tell(self, run_id: str) -> None:
        if self._live:
            self._live.publish(run_id)
        self._news.set()

    def _reconcile(self) -> None:
        """Look at every task that has not ended, and mend what Redis has lost."""
        with self._database.read() as connection:
            open_tasks = [
                task
                for state in (TaskState.PENDING, TaskState.RUNNING)
                for task in task_store.in_state(connection, state)
            ]
        self._given_out &= {task.id for task in open_tasks}
        holdings = self._exchange.holdings([task.id for task in open_tasks])
        orphans = set()
        for task in open_tasks:
            holding = holdings[task.id]
            if holding.is_leased:
                continue
            if holding.is_claimed or task.state is TaskState.RUNNING:
                orphans.add(task.id)
                self._check_orphan(task, holding)
            else:
                self._enqueue(task)
        self._orphaned_since = {task: since for task, since in self._orphaned_since.items() if task in orphans}

    def _check_orphan(self, task: StoredTask, holding: Holding) -> None:
        patience_seconds = self._exchange.lease_seconds
        since = self._orphaned_since.setdefault(task.id, time.monotonic())
        if holding.is_gone:
            self._give_up(task, "the process that did it was killed; its worker goes on")
        elif time.monotonic() - since >= patience_seconds:
            self._give_up(task, f"its worker has not been heard of for {patience_seconds:g} s")

    def _give_up(self, task: StoredTask, reason: str) -> None:
        log.warning("worker is lost", task=task.id, run=task.run_id)
        with self._database.write() as connection:
            current = task_store.find(connection, task.id)
            if current is None or current.state is TaskState.ENDED:
                return
            history.declare_lost(connection, current, reason)
        self._exchange.give_up(task.id)
        self._tell(task.run_id)

    def _enqueue(self, task: StoredTask) -> None:
        try:
            with self._database.read() as connection:
                order = self._order(connection, task)
        except (Unsealable, SettingsError) as error:
            self._refuse(task, str(error))
            return
        self._exchange.place(order)
        self._queue.put(task.id)
        self._given_out.add(task.id)
        self._newest = max(self._newest, task.created_at)
        log.info("task is enqueued", task=task.id, run=task.run_id)

    def _refuse(self, task: StoredTask, reason: str) -> None:
        """End a task that no worker can be given."""
        log.error("task can't be given out", task=task.id, run=task.run_id, error=reason)
        with self._database.write() as connection:
            history.end_withdrawn(connection, task, Status.ERROR, reason)
        self._tell(task.run_id)

    def _forget_redis(self) -> None:
        """What we knew of Redis may be gone with it."""
        self._given_out.clear()
        self._newest = ""
        self._orphaned_since.clear()
