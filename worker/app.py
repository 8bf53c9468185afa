"""The web application: all routes in one list, the Context they share, and what becomes of errors."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from anyio import CapacityLimiter
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from worker import health, hooks, metrics
from worker.access.guard import Need, guarded
from worker.access.throttle import Throttle
from worker.api import (
    artifacts,
    control,
    credentials,
    deliveries,
    logs,
    models,
    records,
    retention,
    runs,
    schedules,
    secrets,
    starts,
    workers,
)
from worker.api.problems import problem
from worker.badges import answer
from worker.context import Backstage, Context
from worker.errors import ServiceError, Unidentified
from worker.intake import Intake
from worker.live import Live
from worker.secrets.keyfile import open_keyring
from worker.settings import AccessLog, Settings
from worker.storage import Storage
from worker.store.database import Database
from worker.store.grouped import GroupedWrites
from worker.traffic import Observer, Traffic
from worker.web import account, login, pages, reference
from worker.web import deliveries as delivery_pages
from worker.web import schedules as schedule_pages
from worker.web import starting as start_pages
from worker.web import workers as worker_pages
from worker.web.forms import LARGEST_BYTES
from worker.web.headers import SecurityHeaders

Background = Callable[[Live], AbstractAsyncContextManager[Backstage]]

_STATIC = Path(__file__).parent / "web" / "static"
_DESCRIPTION = "What Headrace tells programs: repositories, runs, logs, artifacts, and the hooks that forges post to."
_LARGEST_BODY = 1024 * 1024
_OF_REPOSITORY = "/repositories/{owner:path}/{name}"
_HASHES_AT_ONCE = 2  # each takes 19 MiB
_FOR_PROGRAMS = ("/api/", "/hooks/", "/healthz", "/readyz", "/metrics")

_NO_ANSWER: dict[str, Any] = {"status_code": 204, "response_class": Response}
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
    """The application. `background` is entered when it starts and left when it ends; it tells viewers through Live."""
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
                announce=backstage.announce,
                trouble=backstage.trouble,
                crew=backstage.crew,
                traffic=traffic,
                intake=Intake(),
                throttle=Throttle(),
                hashing=CapacityLimiter(_HASHES_AT_ONCE),
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
    _add_routes(app)
    return app


def _add_routes(app: FastAPI) -> None:  # noqa: PLR0915 -- a list, with a line for each
    """All routes, each with what it needs; the first one that fits a path answers."""

    def add(
        path: str, endpoint: Callable[..., Any], need: Need, *, largest: int | None = _LARGEST_BODY, **options: Any
    ) -> None:
        route = guarded(need, largest_body_bytes=largest)
        app.router.add_api_route(path, endpoint, route_class_override=route, **options)

    def api(path: str, endpoint: Callable[..., Any], need: Need, **options: Any) -> None:
        security = [{reference.SCHEME: [need.scope]}]
        add(f"/api{path}", endpoint, need, responses=_PROBLEMS, openapi_extra={"security": security}, **options)

    def page(path: str, endpoint: Callable[..., Any], need: Need) -> None:
        add(path, endpoint, need, include_in_schema=False)

    def form(path: str, endpoint: Callable[..., Any], need: Need) -> None:
        add(path, endpoint, need, methods=["POST"], include_in_schema=False, largest=LARGEST_BYTES)

    hook = "/hooks/{forge}/{owner:path}/{name}"
    add(hook, hooks.receive, Need.NOTHING, largest=None, methods=["POST"], status_code=202, responses=_HOOK_ANSWERS)

    _add_starts(api)
    _add_schedules(api)
    api("/repositories", runs.list_repositories, Need.READ)
    api("/repositories/{owner:path}/{name}/runs", runs.list_runs_of_repository, Need.READ)
    api("/repositories/{owner:path}/{name}/retention", retention.show_retention, Need.READ)
    api("/repositories/{owner:path}/{name}/retention", retention.put_retention, Need.ADMIN, methods=["PUT"])
    api("/repositories/{owner:path}/{name}", runs.change_repository, Need.ADMIN, methods=["PATCH"])
    received = "/repositories/{owner:path}/{name}/deliveries"
    api(received, deliveries.list_deliveries, Need.READ)
    api(f"{received}/{{number}}", deliveries.show_delivery, Need.READ)
    again = f"{received}/{{number}}/redeliver"
    api(again, deliveries.redeliver, Need.WRITE, methods=["POST"], status_code=201)
    api("/runs", runs.list_runs, Need.READ)
    api("/runs", control.run_again, Need.WRITE, methods=["POST"], status_code=201)
    api("/runs/{run_id}", runs.show_run, Need.READ)
    api("/runs/{run_id}/cancel", control.cancel_run, Need.WRITE, methods=["POST"], status_code=202)
    api("/runs/{run_id}/approve", control.approve_run, Need.WRITE, methods=["POST"], status_code=202)
    api("/runs/{run_id}/decline", control.decline_run, Need.WRITE, methods=["POST"], status_code=202)
    api("/runs/{run_id}/jobs/{job:path}/approve", control.approve_job, Need.WRITE, methods=["POST"], status_code=202)
    api("/runs/{run_id}/jobs/{job:path}/decline", control.decline_job, Need.WRITE, methods=["POST"], status_code=202)
    api("/runs/{run_id}/records", records.show_records, Need.READ, response_class=Response)
    log = "/runs/{run_id}/jobs/{job:path}/steps/{step:path}/log"
    api(log, logs.show_log, Need.READ, response_class=Response)
    api("/runs/{run_id}/artifacts", artifacts.list_artifacts, Need.READ)
    download = "/artifacts/{artifact_id}/content"
    api(download, artifacts.download_artifact, Need.READ, response_class=Response)
    _add_sealed(api)

    page("/api/docs", reference.show_reference, Need.READ)
    page("/api/openapi.json", reference.show_openapi, Need.READ)
    page("/healthz", health.show_health, Need.NOTHING)
    page("/readyz", health.show_readiness, Need.NOTHING)
    page("/metrics", metrics.show_metrics, Need.READ)
    app.mount("/static", StaticFiles(directory=_STATIC))

    page("/login", login.show_login, Need.NOTHING)
    form("/login", login.log_in, Need.OWN_PAGE)
    page("/setup", login.show_setup, Need.NOTHING)
    form("/setup", login.set_up, Need.OWN_PAGE)
    form("/logout", login.log_out, Need.PERSON)
    page("/account", account.show_account, Need.PERSON)
    form("/account/password", account.change_password, Need.PERSON)
    form("/account/tokens", account.create_token, Need.PERSON)
    form("/account/tokens/{token_id:int}/revoke", account.revoke_token, Need.PERSON)

    _add_pages(page, form)


def _add_starts(api: Callable[..., None]) -> None:
    """What people start."""
    runs_path = f"{_OF_REPOSITORY}/runs"
    api(runs_path, starts.start_run, Need.WRITE, methods=["POST"], status_code=201)
    api(f"{runs_path}/{{number}}/deploy", starts.deploy_run, Need.WRITE, methods=["POST"], status_code=201)
    api(f"{_OF_REPOSITORY}/parameters", starts.list_parameters, Need.READ)


def _add_schedules(api: Callable[..., None]) -> None:
    """What clocks start."""
    every, one = f"{_OF_REPOSITORY}/schedules", f"{_OF_REPOSITORY}/schedules/{{schedule}}"
    api(every, schedules.list_schedules, Need.READ)
    api(every, schedules.add_schedule, Need.ADMIN, methods=["POST"], status_code=201)
    api(one, schedules.show_schedule, Need.READ)
    api(one, schedules.change_schedule, Need.ADMIN, methods=["PATCH"])
    api(one, schedules.remove_schedule, Need.ADMIN, methods=["DELETE"], **_NO_ANSWER)
    api(f"{one}/run", schedules.run_schedule, Need.WRITE, methods=["POST"], status_code=201)


def _add_pages(page: Callable[..., None], form: Callable[..., None]) -> None:
    """The pages about repositories. None is called `-`, so none is hidden behind those that have it in their path."""
    place = "/{owner:path}/{name}/-"
    page(f"{place}/start", start_pages.show_start, Need.WRITE)
    form(f"{place}/start", start_pages.start, Need.WRITE)
    form("/{owner:path}/{name}/runs/{number:int}/deploy", start_pages.deploy, Need.WRITE)
    page(f"{place}/schedules", schedule_pages.show_schedules, Need.READ)
    form(f"{place}/schedules", schedule_pages.add_schedule, Need.ADMIN)
    form(f"{place}/schedules/{{schedule}}/run", schedule_pages.run_schedule, Need.WRITE)
    form(f"{place}/schedules/{{schedule}}/{{action}}", schedule_pages.change_schedule, Need.ADMIN)
    page("/badges/{owner:path}/{name}.svg", answer.show_badge, Need.NOTHING)
    page("/workers", worker_pages.show_workers, Need.READ)
    page("/", pages.show_latest, Need.READ)
    page("/{owner:path}/{name}/runs/{number:int}", pages.show_run, Need.READ)
    page("/{owner:path}/{name}/deliveries", delivery_pages.show_deliveries, Need.READ)
    page("/{owner:path}/{name}/deliveries/{number:int}", delivery_pages.show_delivery, Need.READ)
    form("/{owner:path}/{name}/deliveries/{number:int}/redeliver", delivery_pages.redeliver, Need.WRITE)
    page("/{owner:path}/{name}", pages.show_repository, Need.READ)


def _add_sealed(api: Callable[..., None]) -> None:
    """What goes in and never comes out."""
    theirs = "/repositories/{owner:path}/{name}/credentials"
    api(theirs, credentials.list_credentials, Need.ADMIN)
    api(f"{theirs}/{{kind}}", credentials.put_credential, Need.ADMIN, methods=["PUT"])
    api(f"{theirs}/{{kind}}", credentials.remove_credential, Need.ADMIN, methods=["DELETE"], **_NO_ANSWER)
    one = "/secrets/{name}"
    api("/workers", workers.list_workers, Need.READ)
    api("/secrets", secrets.list_secrets, Need.ADMIN)
    api(one, secrets.put_secret, Need.ADMIN, methods=["PUT"])
    api(one, secrets.remove_secret, Need.ADMIN, methods=["DELETE"], **_NO_ANSWER)


def _answer_error(request: Request, error: Exception) -> Response:
    if request.url.path.startswith(_FOR_PROGRAMS):
        return problem(error)
    if isinstance(error, Unidentified):
        return login.send_to_login(request)
    return pages.show_error(error)
