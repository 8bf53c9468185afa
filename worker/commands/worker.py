"""`headrace worker`: the half that takes tasks from the queue and runs them in containers."""

import os
import signal
import socket
import threading
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from types import FrameType

import click
import structlog

from runner.clock import now
from runner.config import Config
from runner.engine.configured import docker_backend
from runner.engine.containers import DockerBackend
from runner.engine.credentials import NO_LOGINS, Login
from runner.engine.sweep import Swept
from runner.events import this_system
from worker.commands.settings_options import label_option, settings_options
from worker.data_directory import installation
from worker.errors import SettingsError
from worker.logging import configure_logging
from worker.parent import signal_when_parent_dies
from worker.queue import work_until_stopped
from worker.roster import Worker
from worker.settings import Settings
from worker.supervisor import Child, Supervisor, headrace_command
from worker.systemd import READY, STOPPING, tell
from worker.tasks import worker_duties
from worker.waiting.labels import as_text, worker_labels

_LONGEST_JOB_SECONDS = 24 * 3600.0  # as one worker by itself waits, too: a second signal ends the wait

log = structlog.get_logger()


@click.command("worker")
@click.option("--slots", type=click.IntRange(1, 64), default=1, show_default=True, help="How many jobs run at once.")
@click.option(
    "--drain",
    type=click.FloatRange(min=2),
    metavar="SECONDS",
    help="How long a job under way may go on when the worker is told to end, if not until it is over.",
)
@label_option
@settings_options
def command(*, settings: Settings, slots: int, drain: float | None, label: tuple[str, ...]) -> int:
    """Take jobs from the queue and run their steps in containers on this machine. Needs --redis-url."""
    configure_logging(settings.log_format)
    if not settings.redis_url:
        raise SettingsError("--redis-url (HEADRACE_REDIS_URL) is missing: the server and its workers meet in Redis")
    settings = replace(settings, labels=label or settings.labels)
    worker = _this_worker(settings)
    if slots > 1:
        return _keep_workers(settings, slots, drain_seconds=drain or _LONGEST_JOB_SECONDS)
    signal_when_parent_dies(signal.SIGTERM)
    _work(settings, worker, drain_seconds=drain)
    return 0


def _this_worker(settings: Settings) -> Worker:
    """What this process says of itself. Raises SettingsError."""
    host = settings.host or socket.gethostname()
    return Worker(
        name=f"{host}-{os.getpid()}",
        host=host,
        labels=worker_labels(settings.labels, host=host, platform=this_system().platform),
        since=now(),
        version=version("headrace"),
    )


def _keep_workers(settings: Settings, slots: int, *, drain_seconds: float) -> int:
    """A process a slot, until a signal asks for the end; a second one ends what they do as well."""
    supervisor = Supervisor()
    asked = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        if asked.is_set():
            supervisor.send("worker", signal.SIGTERM)
        asked.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    try:
        for _ in range(slots):
            environment = settings.as_environment()
            supervisor.keep(Child(name="worker", command=headrace_command("worker"), environment=environment))
        tell(READY)
        asked.wait()
        tell(STOPPING)
    finally:
        supervisor.stop("worker", patience_seconds=drain_seconds)
    return 0


def _work(settings: Settings, worker: Worker, *, drain_seconds: float | None) -> None:
    host = f"{settings.host}/{installation(settings.data)}" if settings.host else None
    config = Config.read()

    def make_backend(logins: Mapping[str, Login]) -> DockerBackend:
        return docker_backend(config, host=host, logins=logins, tell=_tell_swept)

    duties = worker_duties(
        settings,
        worker,
        make_backend,
        sweep=lambda: make_backend(NO_LOGINS).close(),  # it sweeps when it is made
        log_limit_bytes=config.log_limit_bytes,
    )
    log.info("worker is up", worker=worker.name, labels=as_text(worker.labels))
    tell(READY)
    work_until_stopped(settings.redis_url, duties, name=worker.name, queue=worker.queue, drain_seconds=drain_seconds)


def _tell_swept(swept: Swept) -> None:
    log.info(
        "swept up after a run that was killed",
        containers=swept.containers,
        networks=swept.networks,
        volumes=swept.volumes,
    )
