"""Who may what: every route, tried with everybody. A route that the table doesn't name fails the test."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Mount

from tests.waiting import PATIENCE_SECONDS
from tests.worker.conftest import TLS, Service, serving
from worker.access.guard import Need
from worker.access.identity import Role, Scope
from worker.app import create_app
from worker.settings import Settings

METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")

# What each route needs, as people would say it. `READ` is for everybody with an account.
TABLE = {
    "POST /hooks/{forge}/{owner:path}/{name}": Need.NOTHING,
    **{f"{method} /hooks/{{rest:path}}": Need.NOTHING for method in METHODS},
    "GET /healthz": Need.NOTHING,
    "HEAD /healthz": Need.NOTHING,
    "HEAD /readyz": Need.NOTHING,
    "GET /badges/{owner:path}/{name}.svg": Need.NOTHING,
    "GET /readyz": Need.NOTHING,
    "GET /metrics": Need.READ,
    "GET /login": Need.NOTHING,
    "GET /setup": Need.NOTHING,
    "POST /login": Need.OWN_PAGE,
    "POST /setup": Need.OWN_PAGE,
    "POST /logout": Need.PERSON,
    "GET /account": Need.PERSON,
    "POST /account/password": Need.PERSON,
    "POST /account/tokens": Need.PERSON,
    "POST /account/tokens/{token_id:int}/revoke": Need.PERSON,
    "GET /api/repositories": Need.READ,
    "POST /api/repositories": Need.ADMIN,
    "GET /api/repositories/{owner:path}/{name}": Need.READ,
    "DELETE /api/repositories/{owner:path}/{name}": Need.ADMIN,
    "GET /api/repositories/{owner:path}/{name}/hook": Need.ADMIN,
    "GET /api/repositories/{owner:path}/{name}/runs": Need.READ,
    "GET /api/repositories/{owner:path}/{name}/retention": Need.READ,
    "PUT /api/repositories/{owner:path}/{name}/retention": Need.ADMIN,
    "POST /api/repositories/{owner:path}/{name}/runs": Need.WRITE,
    "POST /api/repositories/{owner:path}/{name}/runs/{number}/deploy": Need.WRITE,
    "GET /api/repositories/{owner:path}/{name}/parameters": Need.READ,
    "GET /api/repositories/{owner:path}/{name}/schedules": Need.READ,
    "POST /api/repositories/{owner:path}/{name}/schedules": Need.ADMIN,
    "GET /api/repositories/{owner:path}/{name}/schedules/{schedule}": Need.READ,
    "PATCH /api/repositories/{owner:path}/{name}/schedules/{schedule}": Need.ADMIN,
    "DELETE /api/repositories/{owner:path}/{name}/schedules/{schedule}": Need.ADMIN,
    "POST /api/repositories/{owner:path}/{name}/schedules/{schedule}/run": Need.WRITE,
    "GET /api/repositories/{owner:path}/{name}/deliveries": Need.READ,
    "GET /api/repositories/{owner:path}/{name}/deliveries/{number}": Need.READ,
    "POST /api/repositories/{owner:path}/{name}/deliveries/{number}/redeliver": Need.WRITE,
    "PATCH /api/repositories/{owner:path}/{name}": Need.ADMIN,
    "GET /api/repositories/{owner:path}/{name}/credentials": Need.ADMIN,
    "PUT /api/repositories/{owner:path}/{name}/credentials/{kind}": Need.ADMIN,
    "DELETE /api/repositories/{owner:path}/{name}/credentials/{kind}": Need.ADMIN,
    "GET /api/runs": Need.READ,
    "POST /api/runs": Need.WRITE,
    "GET /api/runs/{run_id}": Need.READ,
    "POST /api/runs/{run_id}/cancel": Need.WRITE,
    "POST /api/runs/{run_id}/approve": Need.WRITE,
    "POST /api/runs/{run_id}/decline": Need.WRITE,
    "POST /api/runs/{run_id}/jobs/{job:path}/approve": Need.WRITE,
    "POST /api/runs/{run_id}/jobs/{job:path}/decline": Need.WRITE,
    "GET /api/runs/{run_id}/records": Need.READ,
    "GET /api/runs/{run_id}/jobs/{job:path}/steps/{step:path}/log": Need.READ,
    "GET /api/runs/{run_id}/artifacts": Need.READ,
    "GET /api/artifacts/{artifact_id}/content": Need.READ,
    "GET /api/workers": Need.READ,
    "GET /workers": Need.READ,
    "GET /api/secrets": Need.ADMIN,
    "PUT /api/secrets/{name}": Need.ADMIN,
    "DELETE /api/secrets/{name}": Need.ADMIN,
    "GET /api/registries": Need.ADMIN,
    "PUT /api/registries/{registry}": Need.ADMIN,
    "DELETE /api/registries/{registry}": Need.ADMIN,
    "GET /api/accounts": Need.ADMIN,
    "POST /api/accounts": Need.ADMIN,
    "DELETE /api/accounts/{account}": Need.ADMIN,
    "POST /api/accounts/{account}/link": Need.ADMIN,
    "POST /api/setup-link": Need.ADMIN,
    "GET /api/tokens": Need.ADMIN,
    "POST /api/tokens": Need.ADMIN,
    "DELETE /api/tokens/{number}": Need.ADMIN,
    "GET /api/retention": Need.ADMIN,
    "GET /api/retention/removals": Need.ADMIN,
    "POST /api/retention/removals": Need.ADMIN,
    "GET /api/docs": Need.READ,
    "GET /api/openapi.json": Need.READ,
    **{f"{method} /api/{{rest:path}}": Need.READ for method in METHODS},
    "GET /{owner:path}/{name}/-/start": Need.WRITE,
    "POST /{owner:path}/{name}/-/start": Need.WRITE,
    "POST /{owner:path}/{name}/runs/{number:int}/deploy": Need.WRITE,
    "GET /{owner:path}/{name}/-/schedules": Need.READ,
    "POST /{owner:path}/{name}/-/schedules": Need.ADMIN,
    "POST /{owner:path}/{name}/-/schedules/{schedule}/run": Need.WRITE,
    "POST /{owner:path}/{name}/-/schedules/{schedule}/{action}": Need.ADMIN,
    "GET /": Need.READ,
    "GET /{owner:path}/{name}/runs/{number:int}": Need.READ,
    "GET /{owner:path}/{name}/-/deliveries": Need.READ,
    "GET /{owner:path}/{name}/-/deliveries/{number:int}": Need.READ,
    "POST /{owner:path}/{name}/-/deliveries/{number:int}/redeliver": Need.WRITE,
    "GET /{owner:path}/{name}": Need.READ,
}
UNGUARDED = {"/static"}

PLACES = {
    "{rest:path}": "nothing/at/all",
    "{forge}": "git",
    "{owner:path}": "acme",
    "{name}": "nothing",
    "{run_id}": "nothing",
    "{job:path}": "build",
    "{step:path}": "make",
    "{artifact_id}": "999",
    "{token_id:int}": "999",
    "{number}": "999",
    "{number:int}": "999",
    "{schedule}": "nothing",
    "{action}": "remove",
    "{kind}": "clone_key",
    "{registry}": "nothing.example.org",
    "{account}": "nobody",
}


@dataclass(frozen=True)
class Who:
    """Somebody who asks: what may they do? `stranger_page`: with a session, but made to ask by another site."""

    name: str
    scope: Scope | None
    is_person: bool = False
    is_on_own_page: bool = True


EVERYBODY = [
    Who("nobody", None),
    Who("nobody, from another site", None, is_on_own_page=False),
    Who("somebody with a forged cookie", None),
    Who("somebody with a forged token", None),
    Who("somebody with a forged token and a good cookie", None),
    Who("member", Scope.WRITE, is_person=True),
    Who("member, from another site", Scope.WRITE, is_person=True, is_on_own_page=False),
    Who("administrator", Scope.ADMIN, is_person=True),
    Who("administrator, from another site", Scope.ADMIN, is_person=True, is_on_own_page=False),
    Who("read token", Scope.READ),
    Who("write token", Scope.WRITE),
    Who("admin token", Scope.ADMIN),
    Who("admin token of somebody who is a member today", Scope.WRITE),
]


def methods_and_path(route: BaseRoute) -> Iterator[str]:
    assert isinstance(route, APIRoute), f"{route} can't be guarded"
    return (f"{method} {route.path}" for method in sorted(route.methods or ()))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("matrix")) as running:
        yield running


@pytest.fixture(scope="module")
def routes(service: Service) -> list[BaseRoute]:
    app = create_app(
        settings=Settings.build({}),
        database=service.database,
        storage=service.storage,
        background=lambda _: pytest.fail("it is not started"),
    )
    return app.routes


def test_table_names_every_route_and_what_it_needs(routes: list[BaseRoute]) -> None:
    mounts = {route.path for route in routes if isinstance(route, Mount)}
    assert mounts == UNGUARDED
    needs = {
        name: getattr(route, "needs", None)
        for route in routes
        if not isinstance(route, Mount)
        for name in methods_and_path(route)
    }
    assert needs == TABLE


@pytest.mark.parametrize("who", EVERYBODY, ids=lambda who: who.name)
@pytest.mark.parametrize("route", TABLE)
def test_route_lets_in_whom_it_should_and_nobody_else(service: Service, route: str, who: Who) -> None:
    method, path = route.split(" ")
    for field, value in PLACES.items():
        path = path.replace(field, value)
    with caller(service, who) as client:
        answer = client.request(method, path, json={} if path.startswith("/api") else None)
    assert is_let_in(answer) == may(TABLE[route], who, method), f"{answer.status_code} {answer.text[:200]}"


def may(need: Need, who: Who, method: str) -> bool:
    """The rule, said once more and differently from how the guard says it."""
    if need is Need.NOTHING:
        return True
    if need is Need.OWN_PAGE:
        return who.is_on_own_page
    if who.scope is None or (who.is_person and method not in ("GET", "HEAD", "OPTIONS") and not who.is_on_own_page):
        return False
    if need is Need.PERSON:
        return who.is_person
    enough = {Need.READ: list(Scope), Need.WRITE: [Scope.WRITE, Scope.ADMIN], Need.ADMIN: [Scope.ADMIN]}
    return who.scope in enough[need]


def is_let_in(answer: httpx.Response) -> bool:
    """True if the endpoint itself answered. What it said (no such run, a malformed form) is no matter here."""
    if answer.status_code == 303:
        return not answer.headers["location"].startswith("/login") or "set-cookie" in answer.headers
    if answer.status_code == 401:
        return answer.request.url.path.startswith("/hooks/") or "Name or password is wrong" in answer.text
    if answer.status_code == 403:
        return "this link is used up" in answer.text
    return True


def caller(service: Service, who: Who) -> httpx.Client:
    client = httpx.Client(base_url=service.url, timeout=PATIENCE_SECONDS, verify=TLS)
    client.headers["sec-fetch-site"] = "same-origin" if who.is_on_own_page else "cross-site"
    if who.is_person:
        role = Role.ADMINISTRATOR if who.scope is Scope.ADMIN else Role.MEMBER
        client.cookies.set("headrace", service.session(role.value, role))
    if "good cookie" in who.name:
        client.cookies.set("headrace", service.session("member", Role.MEMBER))
    if "forged cookie" in who.name:
        client.cookies.set("headrace", "x" * 43)
    if "forged token" in who.name:
        client.headers["authorization"] = f"Bearer hrt_{'x' * 43}"
    elif "token" in who.name:
        client.headers["authorization"] = f"Bearer {token(service, who)}"
    return client


def token(service: Service, who: Who) -> str:
    if "today" in who.name:
        return service.token_of_fallen_administrator()
    assert who.scope
    return service.new_token(who.scope)
