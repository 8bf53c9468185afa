"""The schema: which revision of our tables a database has, and the steps from there to ours.

DESIGN. Every change of a table is a file in migrations/, and they form one line. A database says in alembic's own table
how far it has come; one that was made before there were migrations has no such table, and is at the first of them. The
steps run in one transaction, which the caller has begun and which keeps everybody else out: all are done, or none.
"""

from pathlib import Path

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, inspect

from worker.errors import Conflict

_DIRECTORY = str(Path(__file__).parent / "migrations")
_SCRIPTS = ScriptDirectory(_DIRECTORY, version_locations=[_DIRECTORY])
FIRST = "0001"


def newest() -> str:
    """The revision that this program works with."""
    return str(_SCRIPTS.get_current_head())


def revision_of(connection: Connection) -> str | None:
    """The revision that a database has; None if there is nothing of ours in it."""
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is None and inspect(connection).has_table("repositories"):
        return FIRST
    return revision


def missing(revision: str | None) -> list[Script]:
    """The steps from a revision to ours, in their order. Raises Conflict if it is of a newer program."""
    steps = list(_SCRIPTS.walk_revisions())  # newest first
    known: list[str | None] = [*(step.revision for step in steps), None]
    if revision not in known:
        raise Conflict(
            f"the database is of a newer Headrace: its revision is {revision}, and this one knows them up to "
            f"{newest()}; run the newer one, or restore the backup that was made before it"
        )
    return steps[: known.index(revision)][::-1]


def bring_up_to_date(connection: Connection, *, as_far_as: str | None = None) -> None:
    """Do the steps that are missing now, as far as to a revision if one is given.

    Raises Conflict if the database, or that revision, is of a newer program.
    """
    context = MigrationContext.configure(connection)
    later = missing(as_far_as) if as_far_as else []
    with Operations.context(context):
        for step in missing(revision_of(connection)):
            if step in later:
                return
            step.module.upgrade()
            context.stamp(_SCRIPTS, step.revision)
