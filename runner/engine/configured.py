"""The configured backend: the container engine that this machine's configuration names, ready for jobs."""

from collections.abc import Mapping

import structlog

from runner.config import Config
from runner.engine.containers import DockerBackend
from runner.engine.credentials import NO_LOGINS, Credentials, Login
from runner.engine.ownership import this_process
from runner.engine.sweep import sweep

log = structlog.get_logger()


def docker_backend(
    config: Config, *, host: str | None = None, logins: Mapping[str, Login] = NO_LOGINS
) -> DockerBackend:
    """A backend on the configured engine, after what runs that were killed on this `host` have left was removed.

    `logins` by registry go before those of Docker's own configuration.

    Raises BackendError that says what to do if no engine answers.
    """
    backend = DockerBackend(
        config.engine_url,
        certificates=config.engine_certificates,
        credentials=Credentials(config.docker_directory, given=logins),
        owner=this_process(host),
        network_range=config.network_range,
        lanes=config.lanes,
        stop_grace_seconds=config.grace.total_seconds(),
    )
    swept = sweep(backend.engine, backend.owner.host)
    if swept.total:
        log.info(
            "swept up after a run that was killed",
            containers=swept.containers,
            networks=swept.networks,
            volumes=swept.volumes,
        )
    return backend
