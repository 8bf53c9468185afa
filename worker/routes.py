"""Routes: all of them in one list, each with what it needs.

DESIGN. The first route that fits a path answers, and an owner may have slashes in it. So what is about a part of a
repository comes before what is about the repository, pages about repositories have `-` in their path, which is nobody's
name, and what programs ask for and isn't there is answered before it is taken for the page of a repository.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response
from starlette.routing import BaseRoute

from worker import health, hooks, metrics
from worker.access.guard import Need, guarded
from worker.api import (
    accounts,
    artifacts,
    control,
    credentials,
    deliveries,
    logs,
    models,
    nothing,
    records,
    registries,
    repositories,
    retention,
    runs,
    schedules,
    secrets,
    starts,
    tokens,
    workers,
)
from worker.badges import answer
from worker.web import account, login, pages, reference
from worker.web import deliveries as delivery_pages
from worker.web import schedules as schedule_pages
from worker.web import starting as start_pages
from worker.web import workers as worker_pages
from worker.web.forms import LARGEST_BYTES

_LARGEST_BODY = 1024 * 1024
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    "default": {"model": models.Problem, "description": "What went wrong, as application/problem+json"}
}
_HOOK_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"model": models.IgnoredDelivery, "description": "The delivery asks for no run"},
    202: {"model": models.AcceptedDelivery, "description": "The delivery's runs are stored"},
    **_PROBLEMS,
}

Endpoint = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A path and what answers there. `largest_bytes` bounds its body; None: the endpoint does so itself."""

    path: str
    endpoint: Endpoint
    need: Need
    largest_bytes: int | None
    options: Mapping[str, Any]

    def add_to(self, router: APIRouter) -> None:
        """Have it answer, behind the guard."""
        route = guarded(self.need, largest_body_bytes=self.largest_bytes)
        router.add_api_route(self.path, self.endpoint, route_class_override=route, **self.options)


def _hook(path: str, endpoint: Endpoint) -> Route:
    options = {"methods": ["POST"], "status_code": 202, "responses": _HOOK_ANSWERS}
    return Route(path=path, endpoint=endpoint, need=Need.NOTHING, largest_bytes=None, options=options)


def _api(path: str, endpoint: Endpoint, need: Need, **options: Any) -> Route:
    security = {"security": [{reference.SCHEME: [need.scope]}]}
    documented = {"responses": _PROBLEMS, "openapi_extra": security, **options}
    return Route(path=f"/api{path}", endpoint=endpoint, need=need, largest_bytes=_LARGEST_BODY, options=documented)


def _raw(path: str, endpoint: Endpoint, need: Need) -> Route:
    """One that answers with something else than JSON."""
    return _api(path, endpoint, need, response_class=Response)


def _post(path: str, endpoint: Endpoint, need: Need, status_code: int) -> Route:
    return _api(path, endpoint, need, methods=["POST"], status_code=status_code)


def _put(path: str, endpoint: Endpoint, need: Need) -> Route:
    return _api(path, endpoint, need, methods=["PUT"])


def _patch(path: str, endpoint: Endpoint, need: Need) -> Route:
    return _api(path, endpoint, need, methods=["PATCH"])


def _delete(path: str, endpoint: Endpoint, need: Need) -> Route:
    return _api(path, endpoint, need, methods=["DELETE"], status_code=204, response_class=Response)


def _nothing(path: str, need: Need) -> Route:
    """What answers below a path of ours where nothing else does: repositories have no pages there."""
    options = {"include_in_schema": False, "methods": list(nothing.METHODS)}
    endpoint = nothing.show_nothing
    return Route(path=path, endpoint=endpoint, need=need, largest_bytes=_LARGEST_BODY, options=options)


def _page(path: str, endpoint: Endpoint, need: Need) -> Route:
    options = {"include_in_schema": False}
    return Route(path=path, endpoint=endpoint, need=need, largest_bytes=_LARGEST_BODY, options=options)


def _probe(path: str, endpoint: Endpoint) -> Route:
    """One for monitors and balancers, some of which ask with HEAD."""
    options = {"include_in_schema": False, "methods": ["GET", "HEAD"]}
    return Route(path=path, endpoint=endpoint, need=Need.NOTHING, largest_bytes=_LARGEST_BODY, options=options)


def _form(path: str, endpoint: Endpoint, need: Need) -> Route:
    options = {"include_in_schema": False, "methods": ["POST"]}
    return Route(path=path, endpoint=endpoint, need=need, largest_bytes=LARGEST_BYTES, options=options)


_REPOSITORY = "/repositories/{owner:path}/{name}"
_RUN = "/runs/{run_id}"
_JOB = f"{_RUN}/jobs/{{job:path}}"
_PAGES = "/{owner:path}/{name}"

_HOOKS = (
    _hook("/hooks/{forge}/{owner:path}/{name}", hooks.receive),
    _nothing("/hooks/{rest:path}", Need.NOTHING),
)

_REPOSITORIES = (
    _post(f"{_REPOSITORY}/runs", starts.start_run, Need.WRITE, 201),
    _post(f"{_REPOSITORY}/runs/{{number}}/deploy", starts.deploy_run, Need.WRITE, 201),
    _api(f"{_REPOSITORY}/parameters", starts.list_parameters, Need.READ),
    _api(f"{_REPOSITORY}/schedules", schedules.list_schedules, Need.READ),
    _post(f"{_REPOSITORY}/schedules", schedules.add_schedule, Need.ADMIN, 201),
    _api(f"{_REPOSITORY}/schedules/{{schedule}}", schedules.show_schedule, Need.READ),
    _patch(f"{_REPOSITORY}/schedules/{{schedule}}", schedules.change_schedule, Need.ADMIN),
    _delete(f"{_REPOSITORY}/schedules/{{schedule}}", schedules.remove_schedule, Need.ADMIN),
    _post(f"{_REPOSITORY}/schedules/{{schedule}}/run", schedules.run_schedule, Need.WRITE, 201),
    _api("/repositories", repositories.list_repositories, Need.READ),
    _post("/repositories", repositories.add_repository, Need.ADMIN, 201),
    _api(f"{_REPOSITORY}/hook", repositories.show_hook, Need.ADMIN),
    _api(f"{_REPOSITORY}/runs", runs.list_runs_of_repository, Need.READ),
    _api(f"{_REPOSITORY}/retention", retention.show_retention, Need.READ),
    _put(f"{_REPOSITORY}/retention", retention.put_retention, Need.ADMIN),
    _api(f"{_REPOSITORY}/deliveries", deliveries.list_deliveries, Need.READ),
    _api(f"{_REPOSITORY}/deliveries/{{number}}", deliveries.show_delivery, Need.READ),
    _post(f"{_REPOSITORY}/deliveries/{{number}}/redeliver", deliveries.redeliver, Need.WRITE, 201),
    _api(f"{_REPOSITORY}/credentials", credentials.list_credentials, Need.ADMIN),
    _put(f"{_REPOSITORY}/credentials/{{kind}}", credentials.put_credential, Need.ADMIN),
    _delete(f"{_REPOSITORY}/credentials/{{kind}}", credentials.remove_credential, Need.ADMIN),
    _api(_REPOSITORY, repositories.show_repository, Need.READ),
    _patch(_REPOSITORY, repositories.change_repository, Need.ADMIN),
    _delete(_REPOSITORY, repositories.remove_repository, Need.ADMIN),
)

_RUNS = (
    _api("/runs", runs.list_runs, Need.READ),
    _post("/runs", control.run_again, Need.WRITE, 201),
    _api(_RUN, runs.show_run, Need.READ),
    _post(f"{_RUN}/cancel", control.cancel_run, Need.WRITE, 202),
    _post(f"{_RUN}/approve", control.approve_run, Need.WRITE, 202),
    _post(f"{_RUN}/decline", control.decline_run, Need.WRITE, 202),
    _post(f"{_JOB}/approve", control.approve_job, Need.WRITE, 202),
    _post(f"{_JOB}/decline", control.decline_job, Need.WRITE, 202),
    _raw(f"{_RUN}/records", records.show_records, Need.READ),
    _raw(f"{_JOB}/steps/{{step:path}}/log", logs.show_log, Need.READ),
    _api(f"{_RUN}/artifacts", artifacts.list_artifacts, Need.READ),
    _raw("/artifacts/{artifact_id}/content", artifacts.download_artifact, Need.READ),
)

_SERVER = (
    _api("/workers", workers.list_workers, Need.READ),
    _api("/secrets", secrets.list_secrets, Need.ADMIN),
    _put("/secrets/{name}", secrets.put_secret, Need.ADMIN),
    _delete("/secrets/{name}", secrets.remove_secret, Need.ADMIN),
    _api("/registries", registries.list_registries, Need.ADMIN),
    _put("/registries/{registry}", registries.put_registry, Need.ADMIN),
    _delete("/registries/{registry}", registries.remove_registry, Need.ADMIN),
    _api("/accounts", accounts.list_accounts, Need.ADMIN),
    _post("/accounts", accounts.add_account, Need.ADMIN, 201),
    _post("/setup-link", accounts.make_first_link, Need.ADMIN, 201),
    _post("/accounts/{account}/link", accounts.make_link, Need.ADMIN, 201),
    _delete("/accounts/{account}", accounts.remove_account, Need.ADMIN),
    _api("/tokens", tokens.list_tokens, Need.ADMIN),
    _post("/tokens", tokens.add_token, Need.ADMIN, 201),
    _delete("/tokens/{number}", tokens.revoke_token, Need.ADMIN),
    _api("/retention", retention.show_all_retention, Need.ADMIN),
    _api("/retention/removals", retention.show_removals, Need.ADMIN),
    _post("/retention/removals", retention.remove_now, Need.ADMIN, 200),
    _page("/api/docs", reference.show_reference, Need.READ),
    _page("/api/openapi.json", reference.show_openapi, Need.READ),
    _nothing("/api/{rest:path}", Need.READ),
    _probe("/healthz", health.show_health),
    _probe("/readyz", health.show_readiness),
    _page("/metrics", metrics.show_metrics, Need.READ),
    _page("/badges/{owner:path}/{name}.svg", answer.show_badge, Need.NOTHING),
)

_ACCOUNTS = (
    _page("/login", login.show_login, Need.NOTHING),
    _form("/login", login.log_in, Need.OWN_PAGE),
    _page("/setup", login.show_setup, Need.NOTHING),
    _form("/setup", login.set_up, Need.OWN_PAGE),
    _form("/logout", login.log_out, Need.PERSON),
    _page("/account", account.show_account, Need.PERSON),
    _form("/account/password", account.change_password, Need.PERSON),
    _form("/account/tokens", account.create_token, Need.PERSON),
    _form("/account/tokens/{token_id:int}/revoke", account.revoke_token, Need.PERSON),
)

_ABOUT_REPOSITORIES = (
    _page(f"{_PAGES}/-/start", start_pages.show_start, Need.WRITE),
    _form(f"{_PAGES}/-/start", start_pages.start, Need.WRITE),
    _page(f"{_PAGES}/-/schedules", schedule_pages.show_schedules, Need.READ),
    _form(f"{_PAGES}/-/schedules", schedule_pages.add_schedule, Need.ADMIN),
    _form(f"{_PAGES}/-/schedules/{{schedule}}/run", schedule_pages.run_schedule, Need.WRITE),
    _form(f"{_PAGES}/-/schedules/{{schedule}}/{{action}}", schedule_pages.change_schedule, Need.ADMIN),
    _page(f"{_PAGES}/-/deliveries", delivery_pages.show_deliveries, Need.READ),
    _page(f"{_PAGES}/-/deliveries/{{number:int}}", delivery_pages.show_delivery, Need.READ),
    _form(f"{_PAGES}/-/deliveries/{{number:int}}/redeliver", delivery_pages.redeliver, Need.WRITE),
    _form(f"{_PAGES}/runs/{{number:int}}/deploy", start_pages.deploy, Need.WRITE),
    _page("/workers", worker_pages.show_workers, Need.READ),
    _page("/", pages.show_latest, Need.READ),
    _page(f"{_PAGES}/runs/{{number:int}}", pages.show_run, Need.READ),
    _page(_PAGES, pages.show_repository, Need.READ),
)

ROUTES = (*_HOOKS, *_REPOSITORIES, *_RUNS, *_SERVER, *_ACCOUNTS, *_ABOUT_REPOSITORIES)


@cache
def answering_routes() -> tuple[BaseRoute, ...]:
    """All of them behind their guards. They know of no application, so those of a process share them: 0.1 s to make."""
    router = APIRouter()
    for route in ROUTES:
        route.add_to(router)
    return tuple(router.routes)
