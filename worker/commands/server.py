"""`headrace server`: the half that takes webhooks, keeps the database and serves pages."""

import socket

import click

from worker.commands.settings_options import settings_options
from worker.data_directory import only_one_service
from worker.errors import SettingsError
from worker.listening import address_of, listen
from worker.logging import configure_logging
from worker.serve import serve
from worker.settings import Settings
from worker.systemd import inherited_socket


@click.command("server")
@settings_options
@click.option("--fd", type=int, hidden=True, help="A listening socket, inherited from `headrace up`.")
def command(*, settings: Settings, fd: int | None) -> int:
    """Run the server: webhooks, database, API and pages. Needs --redis-url; see `headrace up` for all in one."""
    configure_logging(settings.log_format)
    if not settings.redis_url:
        raise SettingsError("--redis-url (HEADRACE_REDIS_URL) is missing: the server and its workers meet in Redis")
    if fd is not None:
        serve(settings, socket.socket(fileno=fd))
        return 0
    handed_over = inherited_socket()
    with only_one_service(settings.data), handed_over or listen(settings.listen) as listening:
        actual = address_of(listening)
        serve(settings.at(actual) if handed_over else settings.on_port(actual.port), listening)
    return 0
