"""Statuses for forges: what they are to be told, and what a repository shows others."""

import sqlalchemy as sa
from alembic import op

from worker.store.types import Text

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make their tables, and room for what is set a repository."""
    _extend_repositories()
    _add_credentials()
    _add_outbox()


def _extend_repositories() -> None:
    with op.batch_alter_table("repositories") as table:
        table.add_column(sa.Column("forge_url", Text))
        table.add_column(sa.Column("told", Text, nullable=False, server_default="both"))
        table.add_column(sa.Column("badge", Text, nullable=False, server_default="auto"))
        table.add_column(sa.Column("status_trouble", Text))


def _add_credentials() -> None:
    op.create_table(
        "credentials",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("repository_id", sa.Integer, nullable=False),
        sa.Column("kind", Text, nullable=False),
        sa.Column("name", Text, nullable=False),
        sa.Column("known_hosts", Text, nullable=False),
        sa.Column("value_sealed", Text, nullable=False),
        sa.Column("created_at", Text, nullable=False),
        sa.ForeignKeyConstraint(["repository_id"], ["repositories.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("repository_id", "kind"),
    )


def _add_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("repository_id", sa.Integer, nullable=False),
        sa.Column("run_id", Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("sha", Text, nullable=False),
        sa.Column("context", Text, nullable=False),
        sa.Column("ref", Text, nullable=False),
        sa.Column("status", Text, nullable=False),
        sa.Column("description", Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("state", Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("changed_at", Text, nullable=False),
        sa.Column("next_at", Text, nullable=False),
        sa.ForeignKeyConstraint(["repository_id"], ["repositories.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("repository_id", "sha", "context"),
    )
    op.create_index("outbox_by_state", "outbox", ["state", "next_at"])
    op.create_index("outbox_by_run", "outbox", ["run_id"])
