"""Paging: lists come whole in parts, whatever happens between two of them."""

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from tests.worker.conftest import Service
from worker.access.identity import Role
from worker.api.paging import Paging
from worker.commands import user
from worker.store import accounts

KEYS = st.lists(st.tuples(st.text(), st.text()), unique=True)
SCHEDULES = "/api/repositories/acme/web/schedules"
BOUNDED = {
    "/api/repositories/{owner}/{name}/credentials": "one of each kind",
    "/api/repositories/{owner}/{name}/parameters": "those of a run's files",
    "/api/workers": "those that are connected",
    "/api/retention": "settings",
    "/api/retention/removals": "what one round removes",
}


@given(keys=KEYS, limit=st.integers(1, 5))
def test_pages_are_the_whole_list_in_order(keys: list[tuple[str, str]], limit: int) -> None:
    found: list[tuple[str, str]] = []
    after: str | None = ""
    while after is not None:
        page, after = Paging(limit=limit, after=after).page(keys, lambda key: key)
        assert len(page) == limit or after is None
        found += page
    assert found == sorted(keys)


@given(keys=KEYS, junk=st.text(min_size=1))
def test_cursor_that_was_made_up_is_a_place_in_the_list(keys: list[tuple[str, str]], junk: str) -> None:
    page, after = Paging(limit=1000, after=junk).page(keys, lambda key: key)
    assert (sorted(keys)[len(keys) - len(page) :], after) == (page, None)


def add_repository(service: Service, name: str) -> None:
    post(service, "/api/repositories", {"name": f"a/b/{name}", "forge": "git", "clone_url": "https://x.org/y.git"})


def post(service: Service, path: str, body: dict[str, Any]) -> None:
    service.client.post(path, json=body).raise_for_status()


def put(service: Service, path: str, body: dict[str, Any]) -> None:
    service.client.put(path, json=body).raise_for_status()


LISTS: dict[str, tuple[str, str, Callable[[Service, str], None]]] = {
    "repositories": ("/api/repositories", "name", add_repository),
    "accounts": ("/api/accounts", "name", lambda s, name: post(s, "/api/accounts", {"name": name, "robot": True})),
    "tokens": ("/api/tokens", "name", lambda s, name: post(s, "/api/tokens", {"name": name, "account": "ada"})),
    "secrets": ("/api/secrets", "name", lambda s, name: put(s, f"/api/secrets/{name}", {"value": "12345678"})),
    "registries": (
        "/api/registries",
        "registry",
        lambda s, name: put(s, f"/api/registries/{name}.example.org", {"user": "u", "password": "12345678"}),
    ),
    "schedules": (SCHEDULES, "name", lambda s, name: post(s, SCHEDULES, {"name": name, "cron": "@daily"})),
}


@pytest.mark.parametrize("what", LISTS)
def test_list_comes_by_pages_that_an_addition_in_between_does_not_upset(service: Service, what: str) -> None:
    path, key, add = LISTS[what]
    service.add_repository()
    for name in ("one", "two", "three"):
        add(service, name)
    whole = [each[key] for each in service.client.get(path).json()[what]]
    assert len(whole) >= 3
    first = service.client.get(path, params={"limit": 2}).json()
    assert [each[key] for each in first[what]] == whole[:2]
    add(service, "four")
    rest = service.client.get(path, params={"limit": 1000, "after": first["after"]}).json()
    assert rest["after"] is None
    now = [each[key] for each in service.client.get(path).json()[what]]
    assert [each[key] for each in rest[what]] == now[now.index(whole[1]) + 1 :]


def test_every_list_that_grows_has_pages(service: Service) -> None:
    document = service.client.get("/api/openapi.json").json()
    shapes = document["components"]["schemas"]
    looked_at = 0
    for path, operations in document["paths"].items():
        content = operations.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        shape = content.get("application/json", {}).get("schema", {}).get("$ref", "").rpartition("/")[2]
        fields = shapes.get(shape, {}).get("properties", {})
        if any(fields[name].get("type") == "array" for name in fields if name.endswith("s")) and shape.endswith("s"):
            asked = {each["name"] for each in operations["get"].get("parameters", ())}
            assert {"limit"} < asked & {"limit", "after", "before"} or path in BOUNDED, path
            looked_at += 1
    assert looked_at >= len(LISTS) + len(BOUNDED)


def test_command_shows_all_pages(service: Service) -> None:
    with service.database.write() as connection:
        for number in range(450):
            accounts.add(connection, f"robot-{number:03}", role=Role.MEMBER, password=None)
    environment = {"HEADRACE_TOKEN": service.token, "HEADRACE_SERVER": service.url}
    said = CliRunner().invoke(user.command, ["list"], env=environment, standalone_mode=False)
    assert sum(line.startswith("robot-") for line in said.stdout.splitlines()) == 450
