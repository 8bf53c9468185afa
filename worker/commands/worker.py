"""`headrace worker`: the half that takes tasks from the queue and runs them in containers."""

import os
import signal
import socket
from collections.abc import Mapping

import click
import structlog

from runner.config import Config
from runner.engine.configured import docker_backend
from runner.engine.containers import DockerBackend
from runner.engine.credentials import NO_LOGINS, Login
from runner.engine.sweep import Swept
from worker.commands.settings_options import settings_options
from worker.data_directory import installation
from worker.errors import SettingsError
from worker.logging import configure_logging
from worker.parent import signal_when_parent_dies
from worker.queue import work_until_stopped
from worker.settings import Settings
from worker.tasks import worker_duties

log = structlog.get_logger()


@click.command("worker")
@settings_options
def command(*, settings: Settings) -> int:
    """Run one worker: one job at a time, its steps in containers on this machine. Needs --redis-url."""
    configure_logging(settings.log_format)
    if not settings.redis_url:
        raise SettingsError("--redis-url (HEADRACE_REDIS_URL) is missing: the server and its workers meet in Redis")
    signal_when_parent_dies(signal.SIGTERM)
    name = f"{settings.host or socket.gethostname()}-{os.getpid()}"
    host = f"{settings.host}/{installation(settings.data)}" if settings.host else None
    config = Config.read()

    def make_backend(logins: Mapping[str, Login]) -> DockerBackend:
        return docker_backend(config, host=host, logins=logins, tell=_tell_swept)

    duties = worker_duties(
        settings,
        name,
        make_backend,
        sweep=lambda: make_backend(NO_LOGINS).close(),  # it sweeps when it is made
        log_limit_bytes=config.log_limit_bytes,
    )
    log.info("worker is up", worker=name)
    work_until_stopped(settings.redis_url, duties, name=name)
    return 0


def _tell_swept(swept: Swept) -> None:
    log.info(
        "swept up after a run that was killed",
        containers=swept.containers,
        networks=swept.networks,
        volumes=swept.volumes,
    )
