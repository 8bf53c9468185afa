"""A new key takes over from the old one, and nothing is lost on the way."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import update

from pipelines.event import Event, Repository
from worker.errors import Unsealable
from worker.secrets.keyfile import KeyFile
from worker.secrets.rotation import rotate
from worker.secrets.scope import Scope
from worker.secrets.sealing import GivenKeys, Key, Keyring
from worker.secrets.secret import Secret
from worker.store import inbox, repositories, secrets, tasks
from worker.store.database import Database
from worker.store.tables import secrets as table

ALL = Scope.of()


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "secret.key")


@pytest.fixture
def database(tmp_path: Path, file: KeyFile) -> Iterator[Database]:
    """One with ten secrets, sealed with the file's first key."""
    with closing(Database(f"sqlite:///{tmp_path}/headrace.sqlite")) as database:
        for number in range(10):
            put(database, file, f"name{number}", f"value{number}")
        yield database


def put(database: Database, file: KeyFile, name: str, value: str) -> None:
    with database.write() as connection:
        secrets.put(connection, Keyring(file), Secret(scope=ALL, name=name), value)


def values(database: Database, file: KeyFile) -> set[str]:
    with database.read() as connection:
        return {secrets.value_of(connection, Keyring(file), secret) for secret in secrets.every(connection)}


EXPECTED = {f"value{number}" for number in range(10)}


def add_task_in_the_queue(database: Database) -> str:
    with database.write() as connection:
        repository = repositories.add(connection, Repository(owner="acme", name="web"), forge="git")
        run = inbox.add_run(connection, repository, Event(sha="a" * 40)).id
        tasks.give(connection, f"{run}-plan-1", "some")
        return run


def test_new_key_takes_over_and_the_old_one_goes(database: Database, file: KeyFile) -> None:
    [old] = file.read()
    done = rotate(database, file)
    [new] = file.read()
    assert new != old
    assert (done.key, done.sealed, done.old_keys) == (new.id, 10, 0)
    assert values(database, file) == EXPECTED
    assert file.path.stat().st_mode & 0o777 == 0o600


def test_old_key_stays_while_a_task_waits_that_may_need_it(database: Database, file: KeyFile) -> None:
    run = add_task_in_the_queue(database)
    [old] = file.read()
    os.utime(file.path, (0, 0))
    done = rotate(database, file)
    assert (done.old_keys, done.waiting) == (1, 1)
    assert old in file.read()
    assert rotate(database, file, makes_key=False).waiting == 1
    with database.write() as connection:
        tasks.end_all(connection, run)
    done = rotate(database, file, makes_key=False)
    assert (done.old_keys, done.waiting, len(file.read())) == (0, 0, 1)
    assert values(database, file) == EXPECTED


def test_rotation_that_was_broken_off_is_finished_by_the_next(database: Database, file: KeyFile) -> None:
    """The new key is in the file, and the process died before anything was sealed with it."""
    [old] = file.read()
    file.replace([Key.fresh(), old])
    assert values(database, file) == EXPECTED
    assert rotate(database, file, makes_key=False).sealed == 10
    assert values(database, file) == EXPECTED
    assert len(file.read()) == 1


def test_value_that_can_not_be_opened_stops_the_rotation_and_changes_nothing(database: Database, file: KeyFile) -> None:
    before = file.read()
    with database.write() as connection:
        stray = Keyring.fresh().seal("x", place="secrets/secret/global/name3")
        connection.execute(update(table).where(table.c.name == "name3").values(value_sealed=stray))
    with pytest.raises(Unsealable, match="secrets/secret/global/name3"):
        rotate(database, file)
    assert set(before) < set(file.read()), "the old key is still there"
    with database.write() as connection:
        secrets.remove(connection, ALL, "name3")
    assert values(database, file) == EXPECTED - {"value3"}


def test_rotations_and_writers_at_once_lose_nothing(database: Database, file: KeyFile) -> None:
    with ThreadPoolExecutor(6) as pool:
        rotations = [pool.submit(rotate, database, file) for _ in range(3)]
        writers = [pool.submit(put, database, file, f"more{n}", f"more{n}") for n in range(30)]
        assert [writer.result() for writer in writers] == [None] * 30
        assert len({rotation.result().key for rotation in rotations}) == 3
    assert values(database, file) == EXPECTED | {f"more{n}" for n in range(30)}


def test_key_of_the_environment_seals_anew_without_a_file(database: Database, file: KeyFile) -> None:
    [old], new = file.read(), Key.fresh()
    done = rotate(database, GivenKeys((new, old)))
    assert (done.key, done.sealed) == (new.id, 10)
    file.replace([new])
    assert values(database, file) == EXPECTED
