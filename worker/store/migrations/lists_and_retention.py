"""What lists of runs are asked for by, with an index each; how long things are kept, and what is not kept any more."""

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

from worker.store.types import BigInteger, Text

revision = "0009"
down_revision = "0008"

_AT_ONCE = 1000
_UNMEASURED = sa.text("size_bytes IS NULL AND finished_at IS NOT NULL")
_TO_CANCEL = sa.text("cancel_reason IS NOT NULL AND finished_at IS NULL")
_INDEXES = {
    "runs_by_status": ("status", "id"),
    "runs_by_branch": ("branch", "id"),
    "runs_by_kind": ("kind", "id"),
    "runs_by_author": ("author", "id"),
    "runs_by_repository_and_status": ("repository_id", "status", "number"),
    "runs_by_repository_and_branch": ("repository_id", "branch", "number"),
    "runs_by_repository_and_kind": ("repository_id", "kind", "number"),
    "runs_by_repository_and_author": ("repository_id", "author", "number"),
    "runs_by_repository_and_age": ("repository_id", "created_at"),
}


class _Event(msgspec.Struct):
    """As far as lists look at it."""

    kind: str = "push"
    branch: str = ""
    author: str = ""


def upgrade() -> None:
    """Add the columns and fill them, then the indexes, then the tables."""
    with op.batch_alter_table("runs") as runs:
        for column in ("kind", "branch", "author"):
            runs.add_column(sa.Column(column, Text, nullable=False, server_default=sa.text("''")))
        runs.add_column(sa.Column("size_bytes", BigInteger))
    _fill()
    op.drop_index("runs_by_status", "runs")
    for name, columns in _INDEXES.items():
        op.create_index(name, "runs", list(columns))
    op.create_index(
        "runs_unmeasured", "runs", ["repository_id"], sqlite_where=_UNMEASURED, postgresql_where=_UNMEASURED
    )
    op.create_index("runs_to_cancel", "runs", ["id"], sqlite_where=_TO_CANCEL, postgresql_where=_TO_CANCEL)
    op.create_index("deliveries_by_age", "deliveries", ["repository_id", "received_at"])
    op.create_index("tasks_by_job", "tasks", ["job_id"])
    _add_retention()
    _add_removals()


def _fill() -> None:
    """From the events of the runs that there are, some at a time: an event may hold a long list of files."""
    connection = op.get_bind()
    some = sa.text("SELECT id, event FROM runs WHERE id > :after ORDER BY id LIMIT :limit")
    fill = sa.text("UPDATE runs SET kind = :kind, branch = :branch, author = :author WHERE id = :id")
    after = ""
    while rows := connection.execute(some, {"after": after, "limit": _AT_ONCE}).all():
        connection.execute(fill, _values(rows))
        after = rows[-1].id


def _values(rows: Sequence[Any]) -> list[dict[str, str]]:
    return [{"id": row.id} | msgspec.structs.asdict(msgspec.json.decode(row.event, type=_Event)) for row in rows]


def _add_retention() -> None:
    numbers = ("runs_days", "runs_per_branch", "runs_count", "logs_days", "artifacts_days", "deliveries_days")
    op.create_table(
        "retention",
        sa.Column("repository_id", sa.Integer, nullable=False, autoincrement=False),
        *(sa.Column(name, sa.Integer) for name in numbers),
        sa.Column("files_bytes", BigInteger),
        sa.ForeignKeyConstraint(["repository_id"], ["repositories.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("repository_id"),
    )


def _add_removals() -> None:
    op.create_table(
        "removals",
        sa.Column("run_id", Text, nullable=False),
        sa.Column("kind", Text, nullable=False),
        sa.Column("removed_at", Text, nullable=False),
        sa.Column("reason", Text, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "kind"),
    )
