"""The options by which commands speak to a server instead of this machine, and the connection that comes of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from runner.config import Config
from runner.errors import UsageError
from runner.remote.connection import Connection

Command = Callable[..., Any]

server_option: Callable[[Command], Command] = click.option(
    "--server", default="", metavar="URL", help="The server to speak to (HEADRACE_SERVER); HEADRACE_TOKEN lets you in."
)
_local_option = click.option("--local", is_flag=True, help="This machine, though HEADRACE_SERVER is set.")


def place_options(command: Command) -> Command:
    """For commands that look at this machine's runs, or at a server's: they receive `server`, `""` for this machine."""
    return server_option(_local_option(command))


def chosen_server(config: Config, server: str, *, local: bool) -> str:
    """The server that is meant; `""` for this machine. Raises UsageError for both at once."""
    if local and server:
        raise UsageError("--server and --local: choose one")
    return "" if local else server or config.server


@contextmanager
def connected(config: Config, server: str) -> Iterator[Connection]:
    """A connection to this server, or to the one that the environment names. Raises UsageError without any."""
    url = server or config.server
    if not url:
        raise UsageError("say which server: --server URL, or HEADRACE_SERVER")
    connection = Connection(url, config.token)
    try:
        yield connection
    finally:
        connection.close()
