"""The web application: all routes in one list, the Context they share, and what becomes of errors."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from worker import hooks
from worker.api import artifacts, control, logs, models, records, runs, secrets
from worker.api.problems import problem
from worker.context import Context, Serving
from worker.errors import ServiceError
from worker.live import Live
from worker.secrets.keyfile import open_keyring
from worker.settings import Settings
from worker.storage import Storage
from worker.store.database import Database
from worker.store.grouped import GroupedWrites
from worker.web import pages, reference
from worker.web.headers import SecurityHeaders

Background = Callable[[Live], AbstractAsyncContextManager[Callable[[], None]]]

_STATIC = Path(__file__).parent / "web" / "static"
_DESCRIPTION = "What Headrace tells programs: repositories, runs, logs, artifacts, and the hooks that forges post to."
_FOR_PROGRAMS = ("/api/", "/hooks/", "/healthz")

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    "default": {"model": models.Problem, "description": "What went wrong, as application/problem+json"}
}
_HOOK_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"model": models.IgnoredDelivery, "description": "The delivery asks for no run"},
    202: {"model": models.AcceptedDelivery, "description": "The delivery's runs are stored"},
    **_PROBLEMS,
}


def create_app(
    *,
    settings: Settings,
    database: Database,
    storage: Storage,
    background: Background,
) -> FastAPI:
    """The application. `background` is entered when it starts and left when it ends; it tells viewers through Live.

    It gives a function, which hooks call when they have stored something to do.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        live = Live()
        async with background(live) as announce:
            app.state.context = Context(
                settings=settings,
                database=database,
                storage=storage,
                live=live,
                keyring=open_keyring(settings),
                inbox=GroupedWrites(database),
                announce=announce,
            )
            yield

    app = FastAPI(
        title="Headrace",
        description=_DESCRIPTION,
        lifespan=lifespan,
        openapi_url="/api/openapi.json",
        docs_url=None,  # FastAPI's page loads its programs from elsewhere; ours is below
        redoc_url=None,
    )
    app.add_middleware(SecurityHeaders)
    for error in (ServiceError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(error, _answer_error)
    _add_routes(app)
    return app


def _add_routes(app: FastAPI) -> None:
    def api(path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        app.add_api_route(f"/api{path}", endpoint, responses=_PROBLEMS, **options)

    def page(path: str, endpoint: Callable[..., Any]) -> None:
        app.add_api_route(path, endpoint, include_in_schema=False)

    app.add_api_route(
        "/hooks/{forge}/{owner:path}/{name}", hooks.receive, methods=["POST"], status_code=202, responses=_HOOK_ANSWERS
    )

    api("/repositories", runs.list_repositories)
    api("/repositories/{owner:path}/{name}/runs", runs.list_runs_of_repository)
    api("/repositories/{owner:path}/{name}", runs.change_repository, methods=["PATCH"])
    api("/runs", runs.list_runs)
    api("/runs", control.run_again, methods=["POST"], status_code=201)
    api("/runs/{run_id}", runs.show_run)
    api("/runs/{run_id}/cancel", control.cancel_run, methods=["POST"], status_code=202)
    api("/runs/{run_id}/approve", control.approve_run, methods=["POST"], status_code=202)
    api("/runs/{run_id}/decline", control.decline_run, methods=["POST"], status_code=202)
    api("/runs/{run_id}/records", records.show_records, response_class=Response)
    api("/runs/{run_id}/jobs/{job:path}/steps/{step:path}/log", logs.show_log, response_class=Response)
    api("/runs/{run_id}/artifacts", artifacts.list_artifacts)
    api("/artifacts/{artifact_id}/content", artifacts.download_artifact, response_class=Response)
    api("/secrets", secrets.list_secrets)
    api("/secrets/{name}", secrets.put_secret, methods=["PUT"])
    api("/secrets/{name}", secrets.remove_secret, methods=["DELETE"], status_code=204, response_class=Response)

    page("/api/docs", reference.show_reference)
    page("/healthz", _health)
    app.mount("/static", StaticFiles(directory=_STATIC))
    page("/", pages.show_latest)
    page("/{owner:path}/{name}/runs/{number:int}", pages.show_run)
    page("/{owner:path}/{name}", pages.show_repository)


def _health(context: Serving) -> JSONResponse:
    """200 while the database answers."""
    with context.database.read() as connection:
        connection.exec_driver_sql("SELECT 1")
    return JSONResponse({"status": "ok"})


def _answer_error(request: Request, error: Exception) -> Response:
    if request.url.path.startswith(_FOR_PROGRAMS):
        return problem(error)
    return pages.show_error(error)
