"""Database: opens it, sees to it that its tables are ours, and gives out transactions."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from importlib import import_module

from sqlalchemy import Connection, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from worker.errors import Conflict, Unavailable
from worker.store import revisions
from worker.store.kinds import kind_of
from worker.store.purpose import OPTION, PATIENCE_OPTION, Purpose

_BUSY_SECONDS = 4
_LEAST_PATIENCE_MS = 100


class Older(Enum):
    """What to do with a database that an older program has made: the server brings it up to date, commands don't."""

    REFUSE = "refuse"
    UPGRADE = "upgrade"


class Database:
    """The database at a URL: a SQLite file, or one of a PostgreSQL server. Readers never wait, writers take turns.

    Raises Unavailable if it can't be used, Conflict if its tables are not this program's.
    """

    def __init__(self, url: str, *, older: Older = Older.REFUSE) -> None:
        self._writing = threading.Lock()
        _prepare(url, older)
        parsed = make_url(url)
        self._engine = kind_of(parsed).make_engine(parsed, busy_seconds=_BUSY_SECONDS)

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


def is_up_to_date(url: str) -> bool:
    """True if a database has the tables that this program works with.

    Raises Unavailable if it can't be used, Conflict if it is of a newer program.
    """
    return not _missing(url).steps


@dataclass(frozen=True, slots=True)
class _Missing:
    """What a database is short of, and the revision that it has."""

    revision: str | None
    steps: Sequence[str]


def _missing(url: str) -> _Missing:
    parsed = make_url(url)
    kind = kind_of(parsed)
    engine = kind.make_engine(parsed, busy_seconds=_BUSY_SECONDS)
    try:
        with kind.naming_database(parsed), engine.connect() as connection:
            revision = revisions.revision_of(connection)
        return _Missing(revision, revisions.missing(revision))
    finally:
        engine.dispose()


def _prepare(url: str, older: Older) -> None:
    """Make the tables, or bring them up to date, if that is asked for."""
    missing = _missing(url)
    if not missing.steps:
        return
    if missing.revision is not None and older is Older.REFUSE:
        raise Conflict(
            f"the database is of an older Headrace: its revision is {missing.revision}, this one needs "
            f"{revisions.newest()}; start the server, which brings it up to date"
        )
    import_module("worker.store.schema").upgrade(url)  # which says why it is loaded only now


@contextmanager
def _naming_trouble() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        raise Unavailable(f"the database does not answer: {_first_trouble(error).orig}") from error
    except PoolTimeoutError as error:
        raise Unavailable("the database does not answer: too many ask at once") from error


def _first_trouble(error: OperationalError) -> OperationalError:
    """What came first, if there was more trouble in rolling back."""
    first, cause = error, error.__context__
    while cause is not None:
        first = cause if isinstance(cause, OperationalError) else first
        cause = cause.__context__
    return first
