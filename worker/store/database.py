"""Database: opens it, sees to it that its tables are ours, and gives out transactions."""

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from enum import Enum
from typing import Protocol

import structlog
from sqlalchemy import URL, Connection, Engine, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from worker.errors import Conflict, Unavailable
from worker.store import postgresql, schema, sqlite
from worker.store.purpose import OPTION, PATIENCE_OPTION, Purpose

_BUSY_SECONDS = 4
_LEAST_PATIENCE_MS = 100
_MIGRATION_SECONDS = 600

log = structlog.get_logger()


class Older(Enum):
    """What to do with a database that an older program has made: the server brings it up to date, commands don't."""

    REFUSE = "refuse"
    UPGRADE = "upgrade"


class _Kind(Protocol):
    """What is different between kinds of database: a module."""

    def make_engine(self, url: URL, *, busy_seconds: float) -> Engine: ...

    def naming_database(self, url: URL) -> AbstractContextManager[None]: ...


_KINDS: dict[str, _Kind] = {"sqlite": sqlite, "postgresql": postgresql}


class Database:
    """The database at a URL: a SQLite file, or one of a PostgreSQL server. Readers never wait, writers take turns.

    Raises Unavailable if it can't be used, Conflict if its tables are not this program's.
    """

    def __init__(self, url: str, *, older: Older = Older.REFUSE) -> None:
        self._writing = threading.Lock()
        parsed = make_url(url)
        kind = _KINDS[parsed.get_backend_name()]
        _prepare(kind, parsed, older)
        self._engine = kind.make_engine(parsed, busy_seconds=_BUSY_SECONDS)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view of the database. Raises Unavailable if it can't be read."""
        with _naming_trouble(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self, *, patience_seconds: float | None = None) -> Iterator[Connection]:
        """A transaction that commits at the end of the block, or not at all. Raises Unavailable if it can't.

        It waits for our own threads, and then for other programs, for `patience_seconds` in all.
        """
        patience = _BUSY_SECONDS if patience_seconds is None else patience_seconds
        deadline = time.monotonic() + patience
        with _naming_trouble(), self._turn(patience):
            left_ms = max(_LEAST_PATIENCE_MS, round((deadline - time.monotonic()) * 1000))
            writing = self._engine.execution_options(**{OPTION: Purpose.WRITE, PATIENCE_OPTION: left_ms})
            with writing.begin() as connection:
                yield connection

    @contextmanager
    def _turn(self, patience_seconds: float) -> Iterator[None]:
        """Our own threads queue here: SQLite has no queue, it would have them poll, and some would wait for seconds."""
        if not self._writing.acquire(timeout=patience_seconds):
            raise Unavailable(f"the database does not answer: others have been writing for {patience_seconds:g} s")
        try:
            yield
        finally:
            self._writing.release()

    def close(self) -> None:
        """Give back all connections."""
        self._engine.dispose()


@contextmanager
def filling(url: str, revision: str) -> Iterator[Connection]:
    """A transaction in which empty tables of this revision are to be filled: there after the block, or not at all.

    Raises Unavailable if the database can't be used, Conflict if it has tables, or the revision is of a newer program.
    """
    parsed = make_url(url)
    kind = _KINDS[parsed.get_backend_name()]
    engine = kind.make_engine(parsed, busy_seconds=_BUSY_SECONDS)
    try:
        with (
            kind.naming_database(parsed),
            engine.execution_options(**{OPTION: Purpose.MIGRATE}).begin() as connection,
        ):
            if schema.revision_of(connection) is not None:
                raise Conflict("the database has runs in it already: give an empty one")
            schema.bring_up_to_date(connection, as_far_as=revision)
            yield connection
    finally:
        engine.dispose()


def _prepare(kind: _Kind, url: URL, older: Older) -> None:
    """Make the tables, or bring them up to date, on connections of its own: a migration sets them up differently."""
    engine = kind.make_engine(url, busy_seconds=_MIGRATION_SECONDS)
    try:
        with kind.naming_database(url):
            _check_tables(engine, older)
    finally:
        engine.dispose()


def _check_tables(engine: Engine, older: Older) -> None:
    with engine.connect() as connection:
        revision = schema.revision_of(connection)
        steps = schema.missing(revision)
    if not steps:
        return
    if revision is not None and older is Older.REFUSE:
        raise Conflict(
            f"the database is of an older Headrace: its revision is {revision}, this one needs {schema.newest()}; "
            "start the server, which brings it up to date"
        )
    with engine.execution_options(**{OPTION: Purpose.MIGRATE}).begin() as connection:
        schema.bring_up_to_date(connection)
    if revision is not None:
        log.info("database is up to date", before=revision, now=schema.newest())


@contextmanager
def _naming_trouble() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        raise Unavailable(f"the database does not answer: {error.orig}") from error
    except PoolTimeoutError as error:
        raise Unavailable("the database does not answer: too many ask at once") from error
