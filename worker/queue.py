"""The queue: RQ, narrowed to what we need and hardened where it hurt others.

DESIGN. One queue a worker class, and no worker on two, so that it takes jobs with BLMOVE and one lost between pop and
start is recovered. The job's id is the task's id, enqueued only if it is not there yet. RQ runs any importable function
(and callback) that Redis names; our job class runs none of them: whatever a job says, it means "do the task with this
id". The work horse dies with its worker, and a Redis outage ends neither. Deadlines and cancels are ours: RQ's own
time-out is only a last resort.
"""

import os
import secrets
import signal
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any, cast

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.exceptions import DuplicateJobError, NoSuchJobError, StopRequested
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from worker.duties import Duties, Perform
from worker.parent import signal_when_parent_dies
from worker.redis_client import trouble_of

_RETRY_SECONDS = 1.0
_IDLE_SECONDS = 5  # between two signs of life
_RQS_MARGIN_SECONDS = 15  # what RQ takes off a worker's time to live when it waits for a job
_DAY_SECONDS = 24 * 3600

log = structlog.get_logger()


class TaskQueue:
    """The server's end: puts tasks into the queue of a worker class, each once. Redis' errors pass through."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis

    def put(self, task: str, queue: str) -> None:
        """Enqueue a task, unless it waits there or runs already. From another queue it is taken out."""
        waiting = Queue(queue, connection=self._redis, serializer=JSONSerializer)
        if self._is_waiting(task, waiting):
            return
        try:
            waiting.enqueue_call(
                "headrace.task", job_id=task, unique=True, timeout=_DAY_SECONDS, result_ttl=60, failure_ttl=60
            )
        except DuplicateJobError:
            log.debug("task is enqueued already", task=task)

    def remove(self, task: str) -> None:
        """Take a task out of the queue it waits in; one that has been begun goes on."""
        job = self._found(task)
        if job and job.get_status() is JobStatus.QUEUED:
            job.delete()

    def _is_waiting(self, task: str, queue: Queue) -> bool:
        """False also for a job that RQ has given up, or thinks done: it is put away, for a new one.

        One that a worker has popped and not begun is put in again: should that worker live, the claim tells them apart.
        """
        job = self._found(task)
        if job is None:
            return False
        status = job.get_status()
        if status is JobStatus.QUEUED and job.origin == queue.name:
            if queue.get_job_position(task) is None:
                queue.push_job_id(task)
            return True
        if status is JobStatus.STARTED:
            return True
        job.delete()
        return False

    def _found(self, task: str) -> Job | None:
        try:
            return Job.fetch(task, connection=self._redis, serializer=JSONSerializer)
        except NoSuchJobError:
            return None


def work_until_stopped(
    redis_url: str, duties: Duties, *, name: str, queue: str, drain_seconds: float | None = None
) -> None:
    """Take tasks of a queue, one at a time, until SIGTERM or SIGINT. An outage of Redis, however long, is waited out.

    The first signal lets the task under way end, the second stops it; so does the end of `drain_seconds` after the
    first, if they are given.
    """
    is_redis_away = False
    ending = Ending()
    while not ending.is_asked_for:
        try:
            # After an outage RQ may still know the worker that we were: one of that name is refused.
            unique_name = f"{name}-{secrets.token_hex(4)}"
            redis = Redis.from_url(redis_url)
            worker = TaskWorker(redis, duties, ending, name=unique_name, queue=queue, drain_seconds=drain_seconds)
            is_redis_away = False
            worker.work(logging_level="CRITICAL")
            _pause(ending)
        except StopRequested:
            pass  # RQ's word for a signal that comes while a worker makes itself ready, or we wait
        except RedisError as error:
            if not is_redis_away:
                log.warning("worker waits: redis does not answer", error=trouble_of(error))
            is_redis_away = True
            with suppress(StopRequested):
                _pause(ending)
    _leave(duties)


@dataclass(slots=True)
class Ending:
    """Whether a signal has asked for the end. RQ's workers come and go with Redis, and each forgets."""

    is_asked_for: bool = False


def _pause(ending: Ending) -> None:
    if not ending.is_asked_for:
        time.sleep(_RETRY_SECONDS)


def _leave(duties: Duties) -> None:
    try:
        duties.leave()
    except RedisError as error:
        log.warning("can't take leave: the server will notice by itself", error=str(error))


class TaskJob(Job):
    """An RQ job that does its worker's one thing, whatever function Redis names."""

    perform_task: Perform

    def perform(self) -> None:
        """Do the task. Nothing that Redis names is imported or called."""
        self.perform_task(self.id)

    success_callback = failure_callback = stopped_callback = None


class TaskWorker(Worker):
    """The worker's end: one process that takes one task at a time and does each in a process of its own."""

    def __init__(
        self,
        redis: "Redis",
        duties: Duties,
        ending: Ending,
        *,
        name: str,
        queue: str,
        drain_seconds: float | None = None,
    ) -> None:
        super().__init__(
            [queue],
            name=name,
            connection=redis,
            serializer=JSONSerializer,
            job_class=TaskJob,
            worker_ttl=_IDLE_SECONDS + _RQS_MARGIN_SECONDS,
            maintenance_interval=30,
            job_monitoring_interval=_IDLE_SECONDS,
        )
        self._duties = duties
        self._ending = ending
        self._drain_seconds = drain_seconds
        self._task = ""

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """As RQ does it, and see to it that the second signal comes when the task has had its time."""
        self._ending.is_asked_for = True
        if self._drain_seconds is not None:
            second = threading.Timer(self._drain_seconds, os.kill, (os.getpid(), signal.SIGTERM))
            second.daemon = True  # a task that ends earlier is not waited for
            second.start()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call] # of RQ's

    def set_shutdown_requested_date(self) -> None:
        """As RQ does it; a Redis that is away is no reason to let the horse go."""
        with suppress(RedisError):
            super().set_shutdown_requested_date()  # type: ignore[no-untyped-call] # of RQ's

    def _install_signal_handlers(self) -> None:
        """As RQ does it; and a signal that came just before counts."""
        super()._install_signal_handlers()  # type: ignore[no-untyped-call] # of RQ's
        self._stop_requested = self._ending.is_asked_for

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Fork a work horse for the job and wait for it."""
        cast("TaskJob", job).perform_task = self._duties.perform
        self._task = job.id
        super().execute_job(job, queue)
        self._task = ""

    def heartbeat(self, *arguments: Any, **options: Any) -> None:
        """As RQ does it, and tell the server; in the horse, which borrows the worker's name, RQ's alone."""
        super().heartbeat(*arguments, **options)
        if self.is_horse:
            return
        if self._ending.is_asked_for:
            self._duties.leave()
        else:
            self._duties.announce(self._task)

    def maintain_heartbeats(self, *arguments: Any) -> None:
        """As RQ does it, but an outage of Redis does not end the worker while its horse works on."""
        try:
            super().maintain_heartbeats(*arguments)
        except RedisError as error:
            log.warning("no heartbeat: redis does not answer", error=trouble_of(error))

    def run_maintenance_tasks(self) -> None:
        """As RQ does it, at the start and every half minute without a task; and what was left is swept up."""
        super().run_maintenance_tasks()  # type: ignore[no-untyped-call] # of RQ's
        self._duties.sweep()

    def handle_work_horse_killed(self, job: Job, *_: Any) -> None:
        """The horse could not say good-bye, so we do."""
        log.warning("work horse was killed", task=job.id)
        self._duties.mourn(job.id)

    def main_work_horse(self, *arguments: Any) -> None:
        """As RQ does it, but a horse whose worker is killed is told so, and cleans up."""
        signal_when_parent_dies(signal.SIGHUP)
        super().main_work_horse(*arguments)

    def setup_work_horse_signals(self) -> None:
        """Ctrl-C is the worker's business; SIGTERM and SIGHUP are the task's, which stops its containers first."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # a worker under nohup hands on that it is ignored

    def kill_horse(self, sig: signal.Signals = signal.SIGTERM) -> None:
        """Ask the horse to stop: it stops its containers, reports, and ends."""
        super().kill_horse(signal.SIGTERM if sig == signal.SIGKILL else sig)
