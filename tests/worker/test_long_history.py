"""A long history: no list looks at all of it, over either kind of database."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, event

from tests.worker.conftest import Service
from tests.worker.long_history import Length, make_history, run_id
from worker.store import counts, decisions, tasks, turns
from worker.store.tasks import TaskState

BIG = ("runs", "jobs", "steps", "artifacts", "records", "tasks", "deliveries")
LENGTH = Length(repositories=3, ended=6000, queued=100)
TIME_OF_THE_LAST = "2026-01-05T05:39:00.000Z"
FILTERS = ("", "branch=rare", "status=timed_out", "event=cron", "author=Rare", "branch=main&status=failure&author=Ada")
LISTS = [
    *(f"/api/runs?{wanted}" for wanted in FILTERS),
    *(f"/api/runs?before={run_id(3000)}&{wanted}" for wanted in FILTERS),
    *(f"/api/repositories/acme/web0/runs?{wanted}" for wanted in FILTERS),
    *(f"/api/repositories/acme/web0/runs?before=1500&{wanted}" for wanted in FILTERS),
    f"/api/runs/{run_id(3000)}",
    f"/api/runs/{run_id(3000)}/records?format=jsonl",
    f"/api/runs/{run_id(3000)}/artifacts",
    f"/api/runs/{run_id(3000)}/artifacts?after=3001",
    "/api/repositories/acme/web0/deliveries",
    "/api/repositories/acme/web0/deliveries?before=3000",
    "/api/repositories/acme/web0/parameters",
    "/api/repositories/acme/web0/schedules",
    "/badges/acme/web0.svg",
    "/badges/acme/web0.svg?branch=next",
    f"/?before={run_id(3000)}",
    "/acme/web0",
    "/acme/web0/runs/1500",
    "/metrics",
]
Statement = tuple[str, Any]


@contextmanager
def statements(service: Service) -> Iterator[list[Statement]]:
    """What is asked of the database within the block."""
    asked: list[Statement] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: Any) -> None:
        asked.append((statement, parameters))

    event.listen(service.database._engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(service.database._engine, "before_cursor_execute", note)


def scans(connection: Connection, statement: Statement) -> list[str]:
    """The lines of the database's own plan by which it would look at the whole of a big table. SQLite must not sort for
    a page of it either; PostgreSQL does where it reckons that this is little.
    """
    sql, parameters = statement
    if not sql.lstrip().startswith("SELECT") or " FROM " not in sql.replace("\n", " "):
        return []
    is_sqlite = connection.dialect.name == "sqlite"
    explain = f"EXPLAIN {'QUERY PLAN ' if is_sqlite else ''}{sql}"
    lines = [str(row[-1]) for row in connection.exec_driver_sql(explain, parameters)]
    sort = "|TEMP B-TREE FOR ORDER BY" if "LIMIT" in sql else ""
    bad = rf"^SCAN (\w+)${sort}" if is_sqlite else r"Seq Scan on (\w+)"
    found = [(line, re.search(bad, line)) for line in lines]
    return [f"{line}: {sql}" for line, match in found if match and (match[1] or BIG[0]) in BIG]


@pytest.fixture
def long_lived(service: Service) -> Service:
    make_history(service.database, LENGTH)
    return service


def test_no_list_looks_at_all_of_a_long_history(long_lived: Service) -> None:
    for path in LISTS:
        with statements(long_lived) as asked:
            answer = long_lived.client.get(path)
        assert answer.status_code == 200, answer.text
        with long_lived.database.read() as connection:
            assert [scan for statement in asked for scan in scans(connection, statement)] == [], path


def test_turn_of_the_dispatcher_looks_only_at_what_has_not_ended(long_lived: Service) -> None:
    with statements(long_lived) as asked, long_lived.database.read() as connection:
        assert turns.next_waiting(connection)
        turns.under_way(connection)
        tasks.in_state(connection, TaskState.QUEUED, TaskState.RUNNING)
        decisions.overdue(connection)
        tasks.to_cancel(connection)
        counts.longest_wait_seconds(connection)
    with long_lived.database.read() as connection:
        assert [scan for statement in asked for scan in scans(connection, statement)] == []


def test_look_at_all_of_a_big_table_is_noticed(long_lived: Service) -> None:
    """Else the tests above would show nothing."""
    with long_lived.database.read() as connection:
        assert scans(connection, ("SELECT * FROM runs WHERE reason = 'x'", ()))


def test_pages_show_every_wanted_run_once_latest_first(long_lived: Service) -> None:
    for place in ("/api/runs", "/api/repositories/acme/web0/runs"):
        for wanted in FILTERS:
            seen = pages(long_lived, f"{place}?limit=200&{wanted}")
            ids = [run["id"] for run in seen]
            assert ids
            assert ids == sorted(set(ids), reverse=True)
            for name, value in (pair.split("=") for pair in wanted.split("&") if pair):
                assert {said(run, name) for run in seen} == {value}


def pages(service: Service, path: str) -> list[dict[str, Any]]:
    """The runs of some pages of a list."""
    page = service.client.get(path).json()
    seen: list[dict[str, Any]] = page["runs"]
    while page["before"] is not None and len(seen) < 900:
        page = service.client.get(f"{path}&before={page['before']}").json()
        seen += page["runs"]
    return seen


def said(run: dict[str, Any], name: str) -> str:
    """What a run says of what a list was asked for by this name."""
    return str(run["status"] if name == "status" else run["event"][name.replace("event", "kind")])
