"""Local: the service's API within a command's own process, for whoever may read the data directory.

DESIGN. A command asks for the same thing of a server and of this machine, so there is one way to ask: requests. Here
they reach the application without a socket; the database behind it is the one that a server on this machine uses,
whether it runs or not, and its dispatcher sees within seconds what has changed there.

SECURITY. Nobody proves who they are: whoever can read the data directory has the database and the key anyway. Requests
count as an administrator's, under the name of the machine's user.
"""

import os
import pwd
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import replace

import anyio
import httpx
from fastapi import FastAPI

from runner.remote.connection import Connection
from worker.access.identity import Identity, Role, Scope
from worker.app import create_app
from worker.context import Backstage
from worker.live import Live
from worker.settings import AccessLog, Settings
from worker.storage import Storage
from worker.store.database import Database
from worker.waiting.crew import Crew


@contextmanager
def local_connection(settings: Settings) -> Iterator[Connection]:
    """A connection to what is in the data directory."""
    with closing(Database(settings.database_url)) as database:
        app = create_app(
            settings=replace(settings, access_log=AccessLog.OFF),
            database=database,
            storage=Storage(settings.runs_directory),
            background=_nothing,
            operator=_operator(),
        )
        connection = Connection(settings.url, "", transport=_Within(app))
        try:
            yield connection
        finally:
            connection.close()


class _Within(httpx.BaseTransport):
    """Brings a request to an application in this process."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The application's answer, whole."""
        return anyio.run(self._answer, request)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        transport = httpx.ASGITransport(self._app, raise_app_exceptions=True)
        async with self._app.router.lifespan_context(self._app), transport:
            answer = await transport.handle_async_request(request)
            content = await answer.aread()
        return httpx.Response(answer.status_code, headers=answer.headers, content=content)


@asynccontextmanager
async def _nothing(_: Live) -> AsyncIterator[Backstage]:
    yield Backstage(announce=lambda: None, trouble=lambda: "", crew=Crew)


def _operator() -> Identity:
    name = pwd.getpwuid(os.getuid()).pw_name
    return Identity(account_id=0, name=name, role=Role.ADMINISTRATOR, scope=Scope.ADMIN)
