"""What a worker does with a task: take → check out → plan → execute → report."""

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

import msgspec
import structlog

from pipelines.records import JobFinished, JobStarted
from pipelines.status import Status
from runner.backend import Backend, Ticket
from runner.engine.credentials import Login
from runner.errors import RunnerError
from runner.execute import execute
from runner.results.output import DEFAULT_LIMIT_BYTES
from runner.scribe import Scribe
from runner.signals import stop_on
from runner.source.upkeep import tidy
from runner.stop import Stop
from worker.checkout import job_tree
from worker.continuing import continued
from worker.duties import Duties, Sweep
from worker.errors import ServiceError
from worker.exchange import Exchange
from worker.order import JobOrder, PlanOrder
from worker.planning import plan_run
from worker.redis_client import exchange_of, redis_client
from worker.report import Reporter
from worker.roster import Roster, Worker
from worker.secrets.entrusted import Entrusted
from worker.secrets.keyfile import open_keyring
from worker.settings import Settings
from worker.storage import Storage
from worker.watch import watched

# Both come from worker/queue.py: the one from a worker that is told to end at once, the other when it was killed.
_SIGNALS = {
    signal.SIGTERM: (Status.CANCELLED, "the worker was stopped"),
    signal.SIGHUP: (Status.LOST, "the worker was killed"),
}

_PATIENCE, _LAST_WORDS = timedelta(minutes=10), timedelta(seconds=10)
_SHORTEST_ABSENCE_SECONDS = 20.0  # a few signs of life, of which RQ gives one every five seconds

MakeBackend = Callable[[Mapping[str, Login]], Backend]
"""Makes the backend of one job, which shows registries these logins."""

log = structlog.get_logger()


def worker_duties(
    settings: Settings,
    worker: Worker,
    make_backend: MakeBackend,
    *,
    sweep: Sweep,
    log_limit_bytes: int = DEFAULT_LIMIT_BYTES,
) -> Duties:
    """What a worker does. Tasks are done in a work horse, and their clients made after the fork."""
    roster = Roster(redis_client(settings), lasts_seconds=max(settings.lease_seconds, _SHORTEST_ABSENCE_SECONDS))

    def try_to_sweep() -> None:
        try:
            sweep()
        except RunnerError as error:
            log.warning("can't sweep", error=str(error))

    def mourn(task: str) -> None:
        try_to_sweep()
        exchange_of(settings).let_go(task)

    def perform(task: str) -> None:
        exchange = exchange_of(settings)
        order = exchange.claim(task, worker.name)
        if order is None:
            log.warning("task is taken or void already", task=task)
            return
        structlog.contextvars.bind_contextvars(task=task, run=order.run)
        stop = Stop()
        stop_on(_SIGNALS, stop)
        with watched(exchange, task, worker.name, stop), _reporter(exchange, task, stop) as reporter:
            before = order.before if isinstance(order, JobOrder) else {}
            scribe = Scribe(order.run, continued(reporter, before))
            if isinstance(order, PlanOrder):
                plan_run(settings, order, scribe, stop)
            else:
                _execute(settings, order, scribe, make_backend, stop, log_limit_bytes=log_limit_bytes)
        tidy(settings.mirrors_directory, stop)

    return Duties(
        perform=perform,
        mourn=mourn,
        sweep=try_to_sweep,
        announce=lambda task: roster.announce(msgspec.structs.replace(worker, task=task)),
        leave=lambda: roster.leave(worker.name),
    )


def _execute(
    settings: Settings,
    order: JobOrder,
    scribe: Scribe,
    make_backend: MakeBackend,
    stop: Stop,
    *,
    log_limit_bytes: int,
) -> None:
    log.info("job starts", job=order.job.name)
    try:
        entrusted = Entrusted.opened(order.sealed, order.task, open_keyring(settings))
        backend = make_backend(entrusted.logins)
    except (RunnerError, ServiceError) as error:
        log.warning("job can't start", error=str(error))
        scribe.write(JobStarted, job=order.job.name)
        scribe.write(JobFinished, job=order.job.name, status=Status.ERROR, reason=str(error), duration_ms=0)
        return

    status = execute(
        order.job,
        backend,
        scribe,
        ticket=Ticket(run=order.run, job=order.job.name, attempt=order.attempt),
        tree=job_tree(settings, order, entrusted, stop),
        artifacts=Storage(settings.runs_directory).artifacts(order.run),
        secrets=entrusted.secrets,
        stop=stop,
        log_limit_bytes=log_limit_bytes,
        earlier={step: before.attempts for step, before in order.before.items()},
    )
    log.info("job has ended", job=order.job.name, status=status)


@contextmanager
def _reporter(exchange: Exchange, task: str, stop: Stop) -> Iterator[Reporter]:
    """A Reporter that waits for a Redis which is away; but not for long at the end of a worker that is told to end."""
    reporter = Reporter(exchange, task, patience=_PATIENCE)

    def hurry() -> None:
        if (stop.status, stop.reason) in _SIGNALS.values():
            reporter.give_up_after(_LAST_WORDS)

    stop.on_request(hurry)
    try:
        yield reporter
    finally:
        reporter.close()
