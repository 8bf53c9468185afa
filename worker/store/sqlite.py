"""SQLite: one file in WAL mode. Readers never wait, writers wait for one another and never fail half-way."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, OperationalError

from worker.errors import Unavailable
from worker.store.purpose import Purpose, patience_ms_of, purpose_of

_AGAIN_SECONDS = 0.01
_BEGIN = {
    Purpose.READ: ("BEGIN DEFERRED",),
    # A writer that starts as a reader can fail at its first write ("database is locked") without any wait.
    Purpose.WRITE: ("BEGIN IMMEDIATE",),
    # A table that is made anew is dropped in between, which must not take with it what refers to it.
    Purpose.MIGRATE: ("PRAGMA foreign_keys=OFF", "BEGIN EXCLUSIVE"),
}


def make_engine(url: URL, *, busy_seconds: float) -> Engine:
    """An engine for this file, which is made if there is none, for our user's eyes alone. Raises Unavailable."""
    engine = create_engine(
        url,
        connect_args={"timeout": busy_seconds, "check_same_thread": False},
        hide_parameters=True,  # an error's text must not hold what was to be stored
    )
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "commit", _check_references)
    event.listen(engine, "commit", _check_transaction)
    with naming_database(url):
        _make_file(Path(url.database or ""), busy_seconds)
    return engine


@contextmanager
def naming_database(url: URL) -> Iterator[None]:
    """Raises Unavailable, with the file's name, for whatever keeps the block from using it."""
    try:
        yield
    except OSError as error:
        raise Unavailable(
            f"can't keep the database at {url.database}: {error.strerror}; choose another --data"
        ) from error
    except (DatabaseError, sqlite3.Error) as error:
        said = error.orig if isinstance(error, DatabaseError) else error
        raise Unavailable(f"can't use {url.database}: {said}; move it away, or choose another --data") from error


def _make_file(path: Path, busy_seconds: float) -> None:
    """A file that is there already isn't opened: to close it would let go of the locks this process has on it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    path.chmod(0o600)  # it holds the secrets that deliveries are signed with
    with closing(sqlite3.connect(path, timeout=busy_seconds)) as connection:
        _choose_wal(connection, time.monotonic() + busy_seconds)


def _choose_wal(connection: sqlite3.Connection, deadline: float) -> None:
    """The file remembers it. SQLite itself doesn't wait for others here, whatever its time-out."""
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_AGAIN_SECONDS)
        else:
            return


def _configure(connection: sqlite3.Connection, _: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, below
    connection.execute("PRAGMA synchronous=FULL")  # a 202 is a promise: it survives a power cut
    connection.execute("PRAGMA foreign_keys=ON")


def _begin(connection: Connection) -> None:
    if (patience := patience_ms_of(connection)) is not None:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={patience:d}")
    for statement in _BEGIN[purpose_of(connection)]:
        connection.exec_driver_sql(statement)


def _check_references(connection: Connection) -> None:
    """What `foreign_keys=OFF` let pass must not be committed."""
    if purpose_of(connection) is Purpose.MIGRATE:
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        assert not broken, f"the migration breaks references: {broken[:5]}"  # noqa: S101 -- our own mistake


def _check_transaction(connection: Connection) -> None:
    """SQLite ends a transaction by itself where the disk is full, and Python's `commit` then does nothing, silently."""
    if not connection.connection.dbapi_connection.in_transaction:  # type: ignore[union-attr]
        raise OperationalError("COMMIT", None, sqlite3.OperationalError("the transaction was rolled back"))
