"""The schema: the steps by which a database's tables become ours, done by alembic.

DESIGN. The steps run in one transaction, which keeps everybody else out: all are done, or none. Alembic and what it
brings along take a tenth of a server's memory and are needed once in the life of a database, so this module alone
imports it. `Database` loads it when it finds steps to do; a server has them done by a process that ends.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import structlog
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, make_url

from worker.errors import Conflict
from worker.store.kinds import kind_of
from worker.store.purpose import OPTION, Purpose
from worker.store.revisions import MIGRATIONS, missing, newest, revision_of

_UPGRADE_SECONDS = 600  # another server may be at it
_FILLING_SECONDS = 4  # nobody should be

log = structlog.get_logger()


def upgrade(url: str) -> None:
    """Make the tables, or bring them up to date.

    Raises Unavailable if the database can't be used, Conflict if it is of a newer program.
    """
    with _changing(url, busy_seconds=_UPGRADE_SECONDS) as connection:
        before = revision_of(connection)
        _take_steps(connection, missing(before))
    if before is not None and before != newest():
        log.info("database is up to date", before=before, now=newest())


@contextmanager
def filling(url: str, revision: str) -> Iterator[Connection]:
    """A transaction in which empty tables of this revision are to be filled: there after the block, or not at all.

    Raises Unavailable if the database can't be used, Conflict if it has tables, or the revision is of a newer program.
    """
    with _changing(url, busy_seconds=_FILLING_SECONDS) as connection:
        if revision_of(connection) is not None:
            raise Conflict("the database has runs in it already: give an empty one")
        later = missing(revision)
        _take_steps(connection, [step for step in missing(None) if step not in later])
        yield connection


@contextmanager
def _changing(url: str, *, busy_seconds: float) -> Iterator[Connection]:
    """A transaction on a connection of its own: a migration sets it up differently."""
    parsed = make_url(url)
    kind = kind_of(parsed)
    engine = kind.make_engine(parsed, busy_seconds=busy_seconds)
    try:
        migrating = engine.execution_options(**{OPTION: Purpose.MIGRATE})
        with kind.naming_database(parsed), migrating.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def _take_steps(connection: Connection, steps: Iterable[str]) -> None:
    directory = str(MIGRATIONS)
    scripts = ScriptDirectory(directory, version_locations=[directory])
    context = MigrationContext.configure(connection)
    with Operations.context(context):
        for step in steps:
            scripts.get_revision(step).module.upgrade()
            context.stamp(scripts, step)
