"""The database: the same promises over SQLite and PostgreSQL, and one clear line where it can't be used."""

import threading
from contextlib import closing, suppress
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from pipelines.event import Repository
from tests.private_postgresql import PrivatePostgresql
from worker.errors import Unavailable
from worker.store import database as database_module
from worker.store import repositories
from worker.store.database import Database
from worker.store.tables import repositories as table


def add(database: Database, owner: str, name: str = "web") -> None:
    with database.write() as connection:
        repositories.add(connection, Repository(owner=owner, name=name, clone_url="/srv/x.git"), forge="git")


def names(database: Database) -> list[str]:
    with database.read() as connection:
        return [repository.full_name for repository in repositories.every(connection)]


def test_reader_sees_one_moment_and_waits_for_no_writer(database: Database) -> None:
    with database.read() as reading:
        assert reading.execute(select(table.c.name)).all() == []
        add(database, "acme")
        assert reading.execute(select(table.c.name)).all() == []
    assert names(database) == ["acme/web"]


def test_nothing_that_a_reader_writes_stays(database: Database) -> None:
    with suppress(SQLAlchemyError), database.read() as connection:
        repositories.add(connection, Repository(owner="acme", name="web", clone_url="/srv/x.git"), forge="git")
    assert names(database) == []


def test_writers_of_two_processes_take_turns(database_url: str) -> None:
    """Each decides by what it has read: a counter that two programs raise at once loses nothing."""
    with closing(Database(database_url)) as database:
        add(database, "acme")

    def count_up() -> None:
        with closing(Database(database_url)) as own:
            for _ in range(25):
                with own.write() as connection:
                    number = connection.execute(select(table.c.last_number)).scalar_one()
                    connection.execute(table.update().values(last_number=number + 1))

    threads = [threading.Thread(target=count_up) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with closing(Database(database_url)) as database, database.read() as connection:
        assert connection.execute(select(table.c.last_number)).scalar_one() == 50


def test_writer_that_waits_too_long_says_that_the_database_does_not_answer(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "_BUSY_SECONDS", 0.1)
    with closing(Database(database_url)) as one, closing(Database(database_url)) as other:
        with one.write(), pytest.raises(Unavailable, match="the database does not answer"):
            add(other, "acme")
        add(other, "acme")
        assert names(one) == ["acme/web"]


def test_text_sorts_by_its_bytes(database: Database) -> None:
    owners = ["b", "B", "a-b", "aa", "Z", "_", "é"]
    for owner in owners:
        add(database, owner)
    assert names(database) == [f"{owner}/web" for owner in sorted(owners, key=str.encode)]


@pytest.mark.parametrize(("given", "kept"), [("a\0b", "a\ufffdb"), ("a\ud800b", "a?b"), ("", "")])
def test_text_that_a_database_can_not_hold_is_replaced(database: Database, given: str, kept: str) -> None:
    add(database, "acme", given)
    assert names(database) == [f"acme/{kept}"]


def test_database_of_others_is_not_readable(tmp_path: Path) -> None:
    path = tmp_path / "headrace.sqlite"
    with closing(Database(f"sqlite:///{path}")):
        assert path.stat().st_mode & 0o777 == 0o600


def test_postgresql_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    url = f"postgresql://ada:hunter2@/ci?host={tmp_path}"
    with pytest.raises(Unavailable) as raised:
        Database(url)
    assert str(raised.value).startswith("can't use postgresql://ada:***@/ci?host=")
    assert str(raised.value).endswith("check HEADRACE_DATABASE_URL")
    assert "\n" not in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_connections_that_the_postgresql_server_has_closed_are_made_anew(postgresql: PrivatePostgresql) -> None:
    with closing(Database(postgresql.new_database())) as database:
        add(database, "acme")
        with postgresql.connect("postgres") as admin:
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'headrace'")
        assert names(database) == ["acme/web"]


def test_what_is_committed_to_postgresql_is_on_disk_however_its_server_is_set(postgresql: PrivatePostgresql) -> None:
    """The tests' own is set to answer before it has written."""
    url = postgresql.new_database()
    with closing(Database(url)) as database, database.write() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar_one() == "on"
