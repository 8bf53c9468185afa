"""The schema: every database comes to today's tables, whatever it was before, or is refused in one line."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import msgspec
import pytest
from alembic import op
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Column, Connection, Integer, column, create_engine, insert, inspect, table

from pipelines.status import Status
from tests.worker.conftest import EVENT, TIME
from worker.errors import Conflict
from worker.store import queries, repositories, revisions, turns
from worker.store.database import Database, Older
from worker.store.inbox import add_run
from worker.store.revisions import MIGRATIONS
from worker.store.schema import filling
from worker.store.tables import metadata

SCRIPTS = ScriptDirectory(str(MIGRATIONS), version_locations=[str(MIGRATIONS)])


def step(revision: str) -> Script:
    """A migration, as alembic finds it."""
    return SCRIPTS.get_revision(revision)


@contextmanager
def connected(database_url: str) -> Iterator[Connection]:
    """A connection past all that is ours, which commits at the end."""
    engine = create_engine(database_url.replace("postgresql:", "postgresql+psycopg:"))
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def open_and_close(database_url: str, *, older: Older = Older.REFUSE) -> None:
    with closing(Database(database_url, older=older)):
        pass


def make_first_revision(database_url: str) -> None:
    """A database as programs made it before there were migrations: its tables, and no word on their revision."""
    with connected(database_url) as connection:
        context = MigrationContext.configure(connection)
        with Operations.context(context):
            step(revisions.FIRST).module.upgrade()


def tables_of(database_url: str) -> set[str]:
    with connected(database_url) as connection:
        return set(inspect(connection).get_table_names())


def test_migrations_lead_to_the_tables_that_the_program_works_with(empty_database_url: str) -> None:
    open_and_close(empty_database_url)
    with connected(empty_database_url) as connection:
        options = {"compare_type": True, "compare_server_default": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []


def test_difference_between_migrations_and_tables_is_found(empty_database_url: str) -> None:
    """Else the test above would show nothing."""
    open_and_close(empty_database_url)
    with connected(empty_database_url) as connection:
        connection.exec_driver_sql("DROP INDEX tasks_by_run")
        assert compare_metadata(MigrationContext.configure(connection), metadata) != []


def test_migrations_form_one_line_in_the_order_of_their_numbers() -> None:
    steps = list(SCRIPTS.walk_revisions())[::-1]
    numbers = [step.revision for step in steps]
    assert numbers == sorted(number for number in numbers if len(number) == 4 and number.isdecimal())
    assert [step.down_revision for step in steps] == [None, *(step.revision for step in steps[:-1])]
    assert list(revisions.missing(None)) == numbers
    assert revisions.newest() == SCRIPTS.get_current_head()


def test_database_from_before_there_were_migrations_is_taken_over_with_what_is_in_it(empty_database_url: str) -> None:
    make_first_revision(empty_database_url)
    with connected(empty_database_url) as connection:
        connection.exec_driver_sql(  # as programs of then did
            "INSERT INTO repositories (owner, name, forge, clone_url, url, default_branch, secret, "
            "last_number, created_at) "
            "VALUES ('acme', 'web', 'git', '/srv/web.git', '', '', 's3cr3t', 0, '2026-11-24T03:04:05.678Z')"
        )
    with closing(Database(empty_database_url, older=Older.UPGRADE)) as database, database.read() as connection:
        assert [repository.full_name for repository in repositories.every(connection)] == ["acme/web"]
        assert revisions.missing(revisions.revision_of(connection)) == ()


LANDED = (
    "first_tables",
    "accounts",
    "secrets",
    "trust_and_approval",
    "problems_of_runs",
    "kept_deliveries",
    "statuses",
    "schedules",
    "lists_and_retention",
    "what_may_run_when",
    "delays_and_deliveries",
)


def test_migration_that_has_landed_keeps_its_number() -> None:
    """Databases say how far they have come by that number alone. A new migration goes to the end of the list."""
    files = {path.stem: path.read_text() for path in MIGRATIONS.glob("*.py") if path.stem != "__init__"}
    numbers = {f"{number:04}": name for number, name in enumerate(LANDED, 1)}
    assert {step.revision: Path(step.path).stem for step in SCRIPTS.walk_revisions()} == numbers
    assert sorted(files) == sorted(LANDED)


def put(connection: Connection, name: str, /, **values: object) -> None:
    """A row with the columns that the table has always had."""
    connection.execute(insert(table(name, *map(column, values))).values(values))


def put_two_runs(connection: Connection) -> None:
    """One that has ended, and one that waits to be planned."""
    names = {"owner": "acme", "name": "web", "forge": "git", "clone_url": "/srv/web.git", "url": ""}
    more = {"default_branch": "main", "secret": "s3cr3t", "last_number": 2}
    put(connection, "repositories", id=1, created_at=TIME, **names, **more)
    known = {"repository_id": 1, "event": msgspec.json.encode(EVENT), "reason": "", "last_seq": 0, "created_at": TIME}
    put(connection, "runs", id="old", number=1, status="success", **known)
    put(connection, "runs", id="new", number=2, status="pending", **known)
    put(connection, "tasks", id="new-plan-1", run_id="new", attempt=1, state="pending", last_seq=0, created_at=TIME)


@pytest.mark.parametrize("revision", revisions.missing(None))
def test_what_waits_in_a_database_of_any_revision_goes_on_in_todays(empty_database_url: str, revision: str) -> None:
    with filling(empty_database_url, revision) as connection:
        put_two_runs(connection)
    with closing(Database(empty_database_url, older=Older.UPGRADE)) as database:
        with database.read() as connection:
            found = [(run.number, run.status) for run in queries.latest_runs(connection, limit=9)]
            assert sorted(found) == [(1, Status.SUCCESS), (2, Status.PENDING)]
            assert [task.id for task in turns.next_waiting(connection)] == ["new-plan-1"]
        with database.write() as connection:
            run = add_run(connection, repositories.named(connection, "acme", "web"), EVENT)
    assert run.number == 3


def test_database_of_a_newer_program_is_refused_in_one_line_and_left_as_it_is(empty_database_url: str) -> None:
    open_and_close(empty_database_url)
    with connected(empty_database_url) as connection:
        MigrationContext.configure(connection)._version.create(connection, checkfirst=True)
        connection.exec_driver_sql("DELETE FROM alembic_version")
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('9999')")
    before = tables_of(empty_database_url)
    with pytest.raises(Conflict, match=r"^the database is of a newer Headrace: its revision is 9999.*$"):
        Database(empty_database_url, older=Older.UPGRADE)
    assert tables_of(empty_database_url) == before


def test_many_programs_that_start_at_once_make_the_tables_once(empty_database_url: str) -> None:
    barrier = Barrier(4)
    failures: list[Exception] = []

    def start() -> None:
        barrier.wait()
        try:
            open_and_close(empty_database_url, older=Older.UPGRADE)
        except Exception as error:  # noqa: BLE001 -- the main thread tells of it
            failures.append(error)

    threads = [Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert {table.name for table in metadata.tables.values()} <= tables_of(empty_database_url)


def test_migration_that_fails_leaves_the_database_as_it_was(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both kinds undo the making of tables with the rest."""
    monkeypatch.setattr(Operations, "create_index", fail_half_way)
    with pytest.raises(ZeroDivisionError):
        Database(empty_database_url, older=Older.UPGRADE)
    assert tables_of(empty_database_url) == set()


def fail_half_way(*_: Any, **__: Any) -> None:
    op.create_table("half", Column("id", Integer))
    raise ZeroDivisionError
