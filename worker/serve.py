"""Runs the web application on a listening socket until a signal asks for the end."""

import signal
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import FrameType
from typing import NoReturn

import structlog
import uvicorn

from worker.access.keys import setup_url
from worker.app import Background, create_app
from worker.context import Backstage
from worker.live import Live
from worker.parent import signal_when_parent_dies
from worker.service import background
from worker.settings import Settings
from worker.storage import Storage
from worker.store import invitations
from worker.store.database import Database, is_up_to_date
from worker.supervisor import headrace_command
from worker.systemd import READY, STOPPING, tell

_SHUTDOWN_SECONDS = 5

log = structlog.get_logger()


def serve(settings: Settings, listening: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT. `settings.url` is what pages and answers call this server."""
    signal_when_parent_dies(signal.SIGTERM)
    database = _opened(settings)
    storage = Storage(settings.runs_directory)
    app = create_app(
        settings=settings,
        database=database,
        storage=storage,
        background=_announced(settings, database, background(settings, database, storage)),
    )
    # A forge's or a browser's connection that stays open must not keep the server from ending.
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        server_header=False,
        forwarded_allow_ips=list(settings.trusted_proxies),
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)  # which uvicorn raises again once it has ended
    try:
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        database.close()


def _announced(settings: Settings, database: Database, inside: Background) -> Background:
    """The same, and those who wait for the server hear that it is up, and that it ends."""

    @asynccontextmanager
    async def run(live: Live) -> AsyncIterator[Backstage]:
        async with inside(live) as backstage:
            log.info("server is up", url=settings.url, listen=str(settings.listen))
            _offer_first_account(settings, database)
            tell(READY)
            yield backstage
            tell(STOPPING)

    return run


def _opened(settings: Settings) -> Database:
    """The database, up to date. Alembic is much to carry for a life, so a process that ends does what is to be done."""
    if not is_up_to_date(settings.database_url):
        ended = subprocess.run(headrace_command("upgrade"), env=settings.as_environment(), check=False)
        if ended.returncode:
            raise SystemExit(ended.returncode)  # it has said why
    return Database(settings.database_url)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    """To be told to end is no failure: all that we hold is given back, and the exit code says so."""
    raise SystemExit(0)


def _offer_first_account(settings: Settings, database: Database) -> None:
    """While there is no account, say where the first one is made; the link of an earlier start is worth nothing now."""
    with database.write() as connection:
        key = invitations.invite_first(connection)
    if key is not None:
        log.warning("there is no account yet: open this link to make the first one", link=setup_url(settings.url, key))
