"""PostgreSQL: the same promises as SQLite's, so that nothing above has to know which of them it speaks to.

DESIGN. Our transactions decide by what they have read (which job comes next, whether a run has ended). SQLite has one
writer at a time, and so have we here: each takes the same advisory lock as its first act and gives it back with its
commit. That costs a round trip; in return no decision is made on what another is just changing, and none is retried.
Readers see one moment and wait for nobody. A migration takes the lock, too, and so waits for every writer.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError

from worker.errors import Unavailable
from worker.store.purpose import Purpose, patience_ms_of, purpose_of

_WRITERS = 0x68656164  # "head": our lock among those that others may hold in the same database
_BEGIN = {
    Purpose.READ: "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    Purpose.WRITE: f"SELECT pg_advisory_xact_lock({_WRITERS})",
    Purpose.MIGRATE: f"SELECT pg_advisory_xact_lock({_WRITERS})",
}
_CONNECT_SECONDS = 10
# A server that is set to answer before it has written may forget what it has answered, and we what a forge was told.
# Whoever waits for replicas as well (`remote_apply`) keeps that.
_DURABLE = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"


def make_engine(url: URL, *, busy_seconds: float) -> Engine:
    """An engine for this database, which must exist."""
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args={"connect_timeout": _CONNECT_SECONDS, "application_name": "headrace"},
        hide_parameters=True,  # an error's text must not hold what was to be stored
        pool_pre_ping=True,  # the server may have been started anew
    )
    patience = f"SET lock_timeout = {round(busy_seconds * 1000)}"

    def configure(connection: Any, _: Any) -> None:
        connection.execute(patience)
        connection.execute(_DURABLE)
        connection.commit()

    event.listen(engine, "connect", configure)
    event.listen(engine, "begin", _begin)
    return engine


@contextmanager
def naming_database(url: URL) -> Iterator[None]:
    """Raises Unavailable, with the database's address, for whatever keeps the block from using it."""
    try:
        yield
    except DatabaseError as error:
        shown = url.render_as_string(hide_password=True)
        said = str(error.orig).strip().splitlines()
        raise Unavailable(
            f"can't use {shown}: {said[0] if said else 'no answer'}; check HEADRACE_DATABASE_URL"
        ) from error


def _begin(connection: Connection) -> None:
    if (patience := patience_ms_of(connection)) is not None:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {patience:d}")
    connection.exec_driver_sql(_BEGIN[purpose_of(connection)])
