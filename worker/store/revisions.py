"""Revisions: how far a database's tables have come, and how far ours have.

Every change of a table is a file in migrations/, and they form one line. A database says in alembic's own table how far
it has come; one that was made before there were migrations has no such table, and is at the first of them.

Nothing of alembic is imported here: whoever works with a database asks this, and few change its tables.
"""

import re
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from worker.errors import Conflict

MIGRATIONS = Path(__file__).parent / "migrations"
FIRST = "0001"
_REVISION = re.compile(r'^(revision|down_revision) = (?:"(\w+)"|None)$', re.MULTILINE)


def newest() -> str:
    """The revision that this program works with."""
    return _line()[-1]


def revision_of(connection: Connection) -> str | None:
    """The revision that a database has; None if there is nothing of ours in it."""
    tables = inspect(connection)
    if tables.has_table("alembic_version"):
        revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
        if revision is not None:
            return str(revision)
    return FIRST if tables.has_table("repositories") else None


def missing(revision: str | None) -> tuple[str, ...]:
    """The steps from a revision to ours, in their order. Raises Conflict if it is of a newer program."""
    line = _line()
    if revision is None:
        return line
    if revision not in line:
        raise Conflict(
            f"the database is of a newer Headrace: its revision is {revision}, and this one knows them up to "
            f"{newest()}; run the newer one, or restore the backup that was made before it"
        )
    return line[line.index(revision) + 1 :]


@cache
def _line() -> tuple[str, ...]:
    """All revisions in their order, as the files of the steps name them."""
    names = [dict(_REVISION.findall(path.read_text())) for path in MIGRATIONS.glob("*.py")]
    after = {each["down_revision"]: each["revision"] for each in names if each}
    line = [after[""]]
    while line[-1] in after:
        line.append(after[line[-1]])
    return tuple(line)
