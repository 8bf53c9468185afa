"""The web application: the Context that all routes share, and what becomes of errors."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus
from pathlib import Path

from anyio import CapacityLimiter
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from worker.access.identity import Identity
from worker.access.throttle import Throttle
from worker.api.nothing import not_taken
from worker.api.problems import problem
from worker.context import Backstage, Context
from worker.errors import ServiceError, Unidentified
from worker.intake import Intake
from worker.live import Live
from worker.pulse import Pulse
from worker.routes import answering_routes
from worker.secrets.keyfile import open_keyring
from worker.settings import AccessLog, Settings
from worker.storage import Storage
from worker.store.database import Database
from worker.store.grouped import GroupedWrites
from worker.traffic import Observer, Traffic
from worker.web import login, pages
from worker.web.headers import SecurityHeaders

Background = Callable[[Live], AbstractAsyncContextManager[Backstage]]

_STATIC = Path(__file__).parent / "web" / "static"
_DESCRIPTION = "What Headrace tells programs: repositories, runs, logs, artifacts, and the hooks that forges post to."
_HASHES_AT_ONCE = 2  # each takes 19 MiB
_FOR_PROGRAMS = ("/api/", "/hooks/", "/healthz", "/readyz", "/metrics")


def create_app(
    *,
    settings: Settings,
    database: Database,
    storage: Storage,
    background: Background,
    operator: Identity | None = None,
) -> FastAPI:
    """The application. `background` is entered when it starts and left when it ends; it tells viewers through Live.

    `operator` is who asks, whatever comes: only for an application that never listens.
    """
    traffic = Traffic()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        live = Live()
        async with background(live) as backstage:
            app.state.context = Context(
                settings=settings,
                database=database,
                storage=storage,
                live=live,
                keyring=open_keyring(settings),
                inbox=GroupedWrites(database),
                pulse=Pulse(database, settings.data),
                announce=backstage.announce,
                trouble=backstage.trouble,
                crew=backstage.crew,
                traffic=traffic,
                intake=Intake(),
                throttle=Throttle(),
                hashing=CapacityLimiter(_HASHES_AT_ONCE),
                operator=operator,
            )
            yield

    app = FastAPI(
        title="Headrace",
        description=_DESCRIPTION,
        lifespan=lifespan,
        openapi_url=None,  # FastAPI would add a route that nothing guards; ours is below
    )
    app.add_middleware(SecurityHeaders)
    app.add_middleware(Observer, traffic=traffic, is_logging=settings.access_log is AccessLog.ON)  # the outermost
    for error in (ServiceError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(error, _answer_error)
    app.mount("/static", StaticFiles(directory=_STATIC))
    app.router.routes.extend(answering_routes())
    return app


def _answer_error(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException) and error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        error = not_taken(request)
    if request.url.path.startswith(_FOR_PROGRAMS):
        return problem(error)
    if isinstance(error, Unidentified):
        return login.send_to_login(request)
    return pages.show_error(error)
