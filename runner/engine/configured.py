"""The configured backend: the container engine that this machine's configuration names, ready for jobs."""

from collections.abc import Callable, Mapping
from contextlib import suppress

from runner.config import Config
from runner.engine.builds.outdated import UNUSED_FOR_LONG, remove_outdated
from runner.engine.containers import DockerBackend
from runner.engine.credentials import NO_LOGINS, Credentials, Login
from runner.engine.ownership import this_process
from runner.engine.sweep import Swept, sweep
from runner.errors import BackendError
from runner.scratch import sweep_scratch


def docker_backend(
    config: Config,
    *,
    host: str | None = None,
    logins: Mapping[str, Login] = NO_LOGINS,
    tell: Callable[[Swept], None] = lambda _swept: None,
    begin_for: str = "",
) -> DockerBackend:
    """A backend on the configured engine, after what runs that were killed on this `host` have left was removed,
    and built images that nothing uses.

    `logins` by registry go before those of Docker's own configuration. `tell` hears of what was swept, if it was
    anything. `begin_for` is a run whose first job the backend begins for meanwhile. Raises BackendError that says what
    to do if no engine answers.
    """
    backend = DockerBackend(
        config.engine_url,
        certificates=config.engine_certificates,
        credentials=Credentials(config.docker_directory, given=logins),
        owner=this_process(host),
        network_range=config.network_range,
        lanes=config.lanes,
        stop_grace_seconds=config.grace.total_seconds(),
        memory_bytes=config.memory_bytes,
        patience_seconds=config.engine_patience.total_seconds(),
    )
    if begin_for:
        backend.begin(begin_for)
    try:
        _clean(backend, tell)
    except BaseException:
        with suppress(BackendError):  # the same engine, which has told what is wrong
            backend.close()
        raise
    return backend


def _clean(backend: DockerBackend, tell: Callable[[Swept], None]) -> None:
    """Remove what nobody needs any more. What was begun meanwhile is this process's, and none of that."""
    sweep_scratch()
    swept = sweep(backend.engine, backend.owner.host)
    if swept.total:
        tell(swept)
    remove_outdated(backend.engine, UNUSED_FOR_LONG)
