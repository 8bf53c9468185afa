"""Database: opens it, makes its tables, and gives out transactions."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from worker.errors import Unavailable
from worker.store.tables import metadata

_BUSY_SECONDS = 4


class Database:
    """One SQLite file in WAL mode: readers never wait, writers wait for one another and never fail half-way.

    Raises Unavailable if there can't be such a file, or what is there is none.
    """

    def __init__(self, path: Path) -> None:
        self._writing = threading.Lock()
        self._engine = create_engine(
            f"sqlite:///{path}", connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False}
        )
        event.listen(self._engine, "connect", _configure)
        event.listen(self._engine, "begin", _begin)
        with _naming_file(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with self.write() as connection:
                metadata.create_all(connection)
            path.chmod(0o600)  # it holds the secrets that deliveries are signed with

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view of the database. Raises Unavailable if it can't be read."""
        with _naming_trouble(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that commits at the end of the block, or not at all. Raises Unavailable if it can't."""
        writing = self._engine.execution_options(sqlite_begin="IMMEDIATE")
        with _naming_trouble(), self._turn(), writing.begin() as connection:
            yield connection

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Our own threads queue here: SQLite has no queue, it would have them poll, and some would wait for seconds."""
        if not self._writing.acquire(timeout=_BUSY_SECONDS):
            raise Unavailable(f"the database does not answer: others have been writing for {_BUSY_SECONDS} s")
        try:
            yield
        finally:
            self._writing.release()

    def close(self) -> None:
        """Give back all connections."""
        self._engine.dispose()


@contextmanager
def _naming_file(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(f"can't keep the database at {path}: {error.strerror}; choose another --data") from error
    except DatabaseError as error:
        raise Unavailable(f"can't use {path}: {error.orig}; move it away, or choose another --data") from error


@contextmanager
def _naming_trouble() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        raise Unavailable(f"the database does not answer: {error.orig}") from error
    except PoolTimeoutError as error:
        raise Unavailable("the database does not answer: too many ask at once") from error


def _configure(connection: sqlite3.Connection, _: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, below
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")  # a 202 is a promise: it survives a power cut
    connection.execute("PRAGMA foreign_keys=ON")


def _begin(connection: Connection) -> None:
    # A writer that starts as a reader can fail at its first write ("database is locked") without any wait.
    mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {mode}")
