"""What a worker does with a task: take → check out → plan → execute → report."""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

import msgspec
import structlog
from redis.exceptions import RedisError

from pipelines.choice import unknown_choice
from pipelines.event import Event
from pipelines.files import no_workflow, workflow_directories, workflow_paths
from pipelines.plan import Plan
from pipelines.planner import make_plan
from pipelines.reading.library import Library
from pipelines.records import JobFinished, JobStarted, RunFinished, RunStarted
from pipelines.status import Status
from pipelines.wanted import is_asked_for, skips_ci
from runner.backend import Backend, Ticket
from runner.engine.credentials import Login
from runner.errors import RunnerError
from runner.events import this_system
from runner.execute import execute
from runner.results.output import DEFAULT_LIMIT_BYTES
from runner.scribe import Scribe
from runner.signals import stop_on
from runner.source.changes import changed_files
from runner.source.mirror import Mirror
from runner.source.mirrors import read_from
from runner.source.upkeep import tidy
from runner.stop import Stop
from worker.checkout import job_tree, planning_mirror
from worker.continuing import continued
from worker.errors import ServiceError
from worker.exchange import Exchange, JobOrder, Order, PlanOrder
from worker.libraries import libraries_of
from worker.queue import Duties, Sweep
from worker.redis_client import exchange_of, redis_client
from worker.report import Reporter
from worker.roster import Roster, Worker
from worker.secrets.entrusted import Entrusted
from worker.secrets.keyfile import open_keyring
from worker.settings import Settings
from worker.storage import Storage

# Both come from worker/queue.py: the one from a worker that is told to end at once, the other when it was killed.
_SIGNALS = {
    signal.SIGTERM: (Status.CANCELLED, "the worker was stopped"),
    signal.SIGHUP: (Status.LOST, "the worker was killed"),
}

_LOOK_SECONDS = 1.0
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
        with _watch(exchange, order, worker.name, stop), _reporter(exchange, task, stop) as reporter:
            before = order.before if isinstance(order, JobOrder) else {}
            scribe = Scribe(order.run, continued(reporter, before))
            if isinstance(order, PlanOrder):
                _plan(settings, order, scribe, stop)
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


def _plan(settings: Settings, order: PlanOrder, scribe: Scribe, stop: Stop) -> None:
    log.info("planning")
    try:
        entrusted = Entrusted.opened(order.sealed, order.task, open_keyring(settings))
        told = read_from(
            lambda: planning_mirror(settings, order, entrusted, stop), lambda mirror: _read_plan(mirror, order)
        )
        if isinstance(told, Plan):
            scribe.write(RunStarted, plan=told)
        else:
            _finish(scribe, *told)
    except (RunnerError, ServiceError) as error:
        _give_up_planning(scribe, stop, error)
    except Exception as error:
        log.exception("planning broke")
        _finish(scribe, Status.ERROR, f"Headrace itself failed while planning: {error!r}")


def _read_plan(mirror: Mirror, order: PlanOrder) -> Plan | tuple[Status, str]:
    """The commit's plan, or what its run is without one, and why."""
    event = _with_what_git_knows(mirror)
    if skips_ci(event):
        return Status.SKIPPED, "the commit message says to skip CI"
    paths = workflow_paths(mirror.paths(*workflow_directories()))
    if not paths:
        return Status.ERROR, no_workflow(f"commit {event.sha[:12]}")
    if unknown := unknown_choice(event, paths):
        return Status.ERROR, unknown
    includable = libraries_of(mirror, event)
    plan = _planned(mirror, paths, event, order, includable.own)
    if not is_asked_for(event, (*(mirror.contents(path) for path in paths), *includable.texts.values())):
        return Status.SKIPPED, f"no workflow asks for {event.kind}"
    return plan


def _give_up_planning(scribe: Scribe, stop: Stop, error: RunnerError | ServiceError) -> None:
    """Say why there is no plan; but where this worker was killed, let another one try."""
    log.warning("can't plan", error=str(error))
    if not stop.requested:
        _finish(scribe, Status.ERROR, str(error))
    elif stop.status is not Status.LOST:
        _finish(scribe, stop.status, stop.reason)


def _planned(mirror: Mirror, paths: tuple[str, ...], event: Event, order: PlanOrder, library: Library) -> Plan:
    return make_plan(
        {path: mirror.contents(path) for path in paths},
        event,
        library=library,
        secrets=order.secrets,
        trust=frozenset(order.trust),
        privileged_plugins=order.privileged_plugins,
    )


def _with_what_git_knows(mirror: Mirror) -> Event:
    event, facts = mirror.event, mirror.commit_facts()
    return msgspec.structs.replace(
        event,
        message=event.message or facts.message,
        author=event.author or facts.author,
        author_email=event.author_email or facts.author_email,
        changed_files=changed_files(mirror),
        timestamp=event.timestamp or facts.timestamp,
        system=msgspec.structs.replace(event.system, platform=this_system().platform),
    )


def _finish(scribe: Scribe, status: Status, reason: str) -> None:
    scribe.write(RunFinished, status=status, reason=reason, duration_ms=0)


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


@contextmanager
def _watch(exchange: Exchange, order: Order, worker: str, stop: Stop) -> Iterator[None]:
    """Until the block ends, renew the lease, and look whether the run is to be cancelled, or is over without us."""
    is_over = threading.Event()

    def watch() -> None:
        next_renewal = time.monotonic() + exchange.renew_seconds
        while not is_over.wait(min(_LOOK_SECONDS, exchange.renew_seconds)):
            try:
                if exchange.is_over(order.task):
                    stop.request(Status.LOST, "the server has given it up: this worker was away for too long")
                elif time.monotonic() >= next_renewal:
                    if not exchange.renew(order.task, worker):
                        stop.request(Status.LOST, "another worker has it: Redis had forgotten that this one does")
                    next_renewal = time.monotonic() + exchange.renew_seconds
                if (reason := exchange.cancel_reason(order.task)) is not None:
                    stop.request(Status.CANCELLED, reason)
            except RedisError as error:
                log.warning("lease is not renewed", task=order.task, error=str(error))

    thread = threading.Thread(target=watch, name="watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
