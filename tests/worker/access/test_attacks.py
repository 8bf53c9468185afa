"""Attacks on the pages and the API, as one would try them."""

import ast
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from tests.worker.access.test_matrix import PLACES, TABLE
from tests.worker.conftest import Service
from worker.access.identity import Role, Scope
from worker.api import sse
from worker.store.tables import metadata

ROOT = Path(__file__).parents[3]
HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}"
VOLATILE = {"seen_at", "used_at"}  # that somebody was here is noted; it changes nothing else


def contents(service: Service) -> dict[str, list[dict[str, Any]]]:
    """All that the database holds."""
    with service.database.read() as connection:
        return {
            table.name: [
                {name: value for name, value in row._mapping.items() if name not in VOLATILE}
                for row in connection.execute(select(table))
            ]
            for table in metadata.sorted_tables
        }


def path_of(route: str) -> str:
    path = route.partition(" ")[2]
    for field, value in PLACES.items():
        path = path.replace(field, value)
    return path


def test_page_of_another_site_can_not_cancel_a_run(service: Service) -> None:
    """With the victim's cookie, in every form that a browser could be made to send."""
    story = service.add_run(service.add_repository())
    with service.browser() as browser:
        del browser.headers["sec-fetch-site"]
        for headers in (
            {"sec-fetch-site": "cross-site"},
            {"origin": "https://evil.example.org"},
            {"origin": "null"},
            {},
        ):
            answer = browser.post(f"/api/runs/{story.run.id}/cancel", json={}, headers=headers)
            assert answer.status_code == 403
            assert answer.headers["content-type"] == "application/problem+json"
        assert service.client.get(f"/api/runs/{story.run.id}").json()["status"] == "pending"
        answer = browser.post(f"/api/runs/{story.run.id}/cancel", json={}, headers={"sec-fetch-site": "same-origin"})
    assert answer.status_code == 202
    assert answer.json()["reason"] == "cancelled by grace"


def test_nothing_changes_by_looking_at_anything(service: Service) -> None:
    """No GET changes a thing, so none needs a proof of where it comes from."""
    service.add_run(service.add_repository())
    with service.browser("ada", Role.ADMINISTRATOR) as browser:
        before = contents(service)
        for route in TABLE:
            if route.startswith("GET ") and not route.endswith("/records"):
                browser.get(path_of(route))
        assert contents(service) == before


@pytest.mark.parametrize(
    "path", ["/", "/login", "/setup", "/account", "/nothing/here", "/api/runs", "/api/nothing", "/healthz"]
)
def test_every_answer_tells_browsers_what_to_refuse(service: Service, path: str) -> None:
    with service.browser() as browser, service.visitor() as visitor:
        for client in (browser, visitor):
            headers = client.get(path).headers
            policy = headers["content-security-policy"]
            assert "default-src 'self'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "form-action 'self'" in policy
            assert "unsafe" not in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "same-origin", "the key of a set-up link goes nowhere else"
            assert "no-store" in headers["cache-control"] or "private" in headers["cache-control"]


def test_pages_for_who_is_unknown_show_nothing_of_what_is_here(service: Service) -> None:
    service.add_run(service.add_repository(name="covert"))
    with service.visitor() as browser:
        there, absent = (browser.get(f"/acme/{name}/runs/1") for name in ("covert", "absent"))
        assert there.status_code == absent.status_code == 303
        assert "covert" not in browser.get("/login").text
        known, unknown = (browser.get(f"/api/repositories/acme/{name}/runs") for name in ("covert", "absent"))
        assert known.json() == unknown.json()


def test_body_of_who_is_unknown_is_not_read(service: Service) -> None:
    """Else anybody could fill our memory."""
    pieces = (b"x" * 65536 for _ in range(10_000))
    with service.visitor() as browser:
        try:
            answer = browser.post("/api/runs", content=pieces, headers={"content-type": "application/json"})
        except httpx.WriteError:
            return  # it was answered, and the connection closed, while we still wrote
    assert answer.status_code == 401


def pieces(size_bytes: int) -> Iterator[bytes]:
    return (b" " * 1000 for _ in range(size_bytes // 1000))


@pytest.mark.parametrize("body", [b" " * 2_000_000, pieces], ids=["declared", "in chunks"])
def test_body_of_a_program_is_limited(service: Service, body: bytes | Callable[[int], Iterator[bytes]]) -> None:
    content = body(2_000_000) if callable(body) else body
    answer = service.client.post("/api/runs", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


def test_hostile_names_of_tokens_stay_text(service: Service) -> None:
    with service.browser() as browser:
        page = browser.post("/account/tokens", data={"name": HOSTILE[:80], "scope": "read"}).text
    assert "<script>alert" not in page
    assert "<img" not in re.sub(r'<img src="/static/[^>]*>', "", page)
    assert "&lt;script&gt;alert(1)" in page


def test_hostile_values_of_the_login_page_stay_text(service: Service) -> None:
    with service.visitor() as browser:
        pages = [
            browser.get("/login", params={"next": f"/{HOSTILE}"}).text,
            browser.post("/login", data={"name": HOSTILE, "password": "x", "next": f"/{HOSTILE}"}).text,
            browser.get("/setup", params={"key": HOSTILE}).text,
        ]
    for page in pages:
        assert "<script>alert" not in page
        assert "<img src=x" not in page


def test_stream_ends_in_time_for_who_is_shut_out(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The browser comes again by itself, and is asked again who it is."""
    monkeypatch.setattr(sse, "_LONGEST_SECONDS", 0.2)
    monkeypatch.setattr(sse, "_HEARTBEAT_SECONDS", 0.05)
    story = service.add_run(service.add_repository())
    with service.browser() as browser:
        records = f"/api/runs/{story.run.id}/records"
        assert browser.get(records).is_success, "it ended, though the run goes on"
        browser.post("/logout")
        assert browser.get(records).status_code == 401


def test_stream_ends_soon_after_its_token_was_revoked(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "_ASK_AGAIN_SECONDS", 0.05)
    monkeypatch.setattr(sse, "_HEARTBEAT_SECONDS", 0.01)
    story = service.add_run(service.add_repository())
    bearer = {"Authorization": f"Bearer {service.new_token(Scope.READ)}"}
    newest = max(each["id"] for each in service.client.get("/api/tokens").json()["tokens"])
    with service.client.stream("GET", f"/api/runs/{story.run.id}/records", headers=bearer) as answer:
        lines = answer.iter_lines()
        assert next(lines) == ": welcome"
        assert service.client.delete(f"/api/tokens/{newest}").is_success
        assert ": still here" in list(lines), "it went on, and then ended"


def test_server_logs_no_key_and_no_password(logging_service: Service) -> None:
    password = "correct horse battery"
    with capture_logs() as logged, logging_service.visitor() as browser:
        browser.post("/login", data={"name": "ada", "password": password})
        browser.get("/setup", params={"key": "a-key-of-a-link"})
        logging_service.client.get("/api/runs")
        with logging_service.browser() as other:
            cookie = other.cookies["headrace"]
            other.get("/")
    assert len([entry for entry in logged if entry["event"] == "request"]) >= 3, "else this shows nothing"
    said = json.dumps(logged, default=str)
    for secret in (password, "a-key-of-a-link", logging_service.token, cookie):
        assert secret not in said


SECRET_NAMES = re.compile(r"secret|signature|password|token|digest", re.IGNORECASE)
COLUMNS = re.compile(r"\.c\.")


@pytest.mark.parametrize("path", sorted((ROOT / "worker").rglob("*.py")), ids=lambda path: path.stem)
def test_secrets_are_compared_in_constant_time(path: Path) -> None:
    """With hmac.compare_digest, or not at all: a database looks keys up by their digest."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
            sides = [ast.unparse(side) for side in (node.left, *node.comparators)]
            if not any(COLUMNS.search(side) for side in sides):
                assert not any(SECRET_NAMES.search(side) for side in sides), f"{path}:{node.lineno}"
