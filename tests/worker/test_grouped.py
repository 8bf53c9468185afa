"""Grouped writes: all of a crowd is committed, what fails fails alone, and nobody is told yes before it is true."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, func, insert, select
from sqlalchemy.exc import IntegrityError

from pipelines.event import Repository
from worker.errors import Conflict
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
