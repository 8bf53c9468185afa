"""Grouped writes: all of a crowd is committed, what fails fails alone, and nobody is told yes before it is true."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, func, insert, select
from sqlalchemy.exc import IntegrityError

from pipelines.event import Repository
from tests.waiting import PATIENCE_SECONDS, wait_until
from worker.errors import Conflict, Unavailable
from worker.store import repositories
from worker.store.database import Database
from worker.store.grouped import GroupedWrites
from worker.store.tables import repositories as table


def adding(name: str) -> Repository:
    return Repository(owner="acme", name=name, clone_url="/srv/x.git")


def count(database: Database) -> int:
    with database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def test_everything_a_crowd_writes_is_there_when_it_is_told_so(database: Database) -> None:
    writes = GroupedWrites(database)

    def add(number: int) -> int:
        stored = writes.do(lambda connection: repositories.add(connection, adding(f"r{number}"), forge="git"))
        with database.read() as connection:
            return repositories.with_id(connection, stored.id).id

    with ThreadPoolExecutor(16) as pool:
        ids = list(pool.map(add, range(200)))
    assert len(set(ids)) == count(database) == 200


def test_work_that_fails_fails_alone_and_leaves_nothing(database: Database) -> None:
    writes = GroupedWrites(database)
    gate = threading.Barrier(8)

    def add(number: int) -> str:
        gate.wait()
        try:
            writes.do(lambda connection: repositories.add(connection, adding(f"r{number % 4}"), forge="git"))
        except Conflict:
            return "conflict"
        return "added"

    with ThreadPoolExecutor(8) as pool:
        outcomes = sorted(pool.map(add, range(8)))
    assert outcomes == ["added"] * 4 + ["conflict"] * 4
    assert count(database) == 4


def test_half_done_work_is_rolled_back(database: Database) -> None:
    writes = GroupedWrites(database)

    def work(connection: Connection) -> None:
        repositories.add(connection, adding("first"), forge="git")
        connection.execute(insert(table).values(owner=None))

    with pytest.raises(IntegrityError):
        writes.do(work)
    assert count(database) == 0


def break_down(connection: Connection) -> None:
    """Trouble that ends the whole transaction: a full disk, as SQLite sees it; a PostgreSQL that is stopped."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA max_page_count=1")
        connection.exec_driver_sql("CREATE TABLE large AS SELECT zeroblob(1000000)")
    connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")


def test_nobody_is_told_yes_in_a_group_whose_transaction_breaks_down(database: Database) -> None:
    """Of the work before it nothing is left, and what comes after it has no transaction to be in."""
    writes, begun, go = GroupedWrites(database), threading.Event(), threading.Event()
    works: list[Callable[[Connection], object]] = [adding_to("before"), break_down, adding_to("after")]

    def hold(_: Connection) -> None:
        begun.set()
        go.wait(PATIENCE_SECONDS)

    with ThreadPoolExecutor(4) as pool:
        pool.submit(writes.do, hold)
        assert begun.wait(PATIENCE_SECONDS), "the first has its turn"
        crowd = []
        for work in works:
            crowd.append(pool.submit(writes.do, work))
            wait_until(lambda: len(writes._waiting) == len(crowd), what="they stand in line")
        go.set()
        for outcome in crowd:
            with pytest.raises(Unavailable, match=r"full|terminat"):
                outcome.result(PATIENCE_SECONDS)
    assert count(database) == 0
    writes.do(adding_to("later"))
    assert count(database) == 1


def adding_to(name: str) -> Callable[[Connection], object]:
    return lambda connection: repositories.add(connection, adding(name), forge="git")
