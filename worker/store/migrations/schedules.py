"""Schedules, and of a run that does again what has failed: which one has done the rest."""

import sqlalchemy as sa
from alembic import op

from worker.store.types import Text

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the table, and add the column."""
    op.add_column("runs", sa.Column("kept_from", Text))
    op.create_table(
        "schedules",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("repository_id", sa.Integer, nullable=False),
        sa.Column("name", Text, nullable=False),
        sa.Column("cron", Text, nullable=False),
        sa.Column("time_zone", Text, nullable=False),
        sa.Column("branch", Text, nullable=False),
        sa.Column("params", Text, nullable=False),
        sa.Column("state", Text, nullable=False),
        sa.Column("trouble", Text, nullable=False),
        sa.Column("next_at", Text, nullable=False),
        sa.Column("promised_at", Text, nullable=False),
        sa.Column("last_at", Text),
        sa.Column("last_run_id", Text),
        sa.Column("created_at", Text, nullable=False),
        sa.ForeignKeyConstraint(["repository_id"], ["repositories.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["last_run_id"], ["runs.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("repository_id", "name"),
    )
    op.create_index("schedules_by_next", "schedules", ["state", "next_at"])
    op.create_index("schedules_by_run", "schedules", ["last_run_id"])
