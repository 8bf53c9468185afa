"""The options by which a command chooses the service that it speaks to, and the connection that comes of them.

It is the server that `--server` or HEADRACE_SERVER names, else what is in this machine's data directory; `--data` and
`--local` mean the latter, whatever the environment says.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from typing import Any

from runner.config import Config
from runner.errors import UsageError
from runner.remote.connection import Connection
from runner.remote.options import chosen_server, connected, place_options
from worker.commands.settings_options import NAMES, OPTIONS
from worker.local import local_connection
from worker.settings import Settings

Command = Callable[..., Any]
Opened = Callable[[], AbstractContextManager[Connection]]


def service_options(command: Command) -> Command:
    """Give a command the options; it receives a Connection as `service`."""

    @place_given
    @wraps(command)  # and with it the options that the command has already
    def with_service(*, opened: Opened, **given: Any) -> Any:
        with opened() as service:
            return command(service=service, **given)

    return with_service


def place_given(command: Command) -> Command:
    """Give a command the options; it receives as `opened` what opens the connection."""

    @wraps(command)
    def with_place(*, server: str, local: bool, **given: Any) -> Any:
        named = {name: given.pop(name) for name in NAMES}
        return command(opened=lambda: _chosen(named, server, local=local), **given)

    for option in reversed(OPTIONS):
        with_place = option(with_place)
    return place_options(with_place)


@contextmanager
def _chosen(named: dict[str, Any], server: str, *, local: bool) -> Iterator[Connection]:
    if server and named["data"]:
        raise UsageError("--server and --data: choose one")
    config = Config.read()
    url = chosen_server(config, server, local=local or bool(named["data"]))
    with connected(config, url) if url else local_connection(Settings.build(**named)) as service:
        yield service
