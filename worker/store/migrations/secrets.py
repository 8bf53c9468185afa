"""Secrets, sealed."""

import sqlalchemy as sa
from alembic import op

from worker.store.types import Text

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make their table."""
    op.create_table(
        "secrets",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("scope", Text, nullable=False),
        sa.Column("repository_id", sa.Integer),
        sa.Column("kind", Text, nullable=False),
        sa.Column("name", Text, nullable=False),
        sa.Column("value_sealed", Text, nullable=False),
        sa.Column("events", Text, nullable=False),
        sa.Column("images", Text, nullable=False),
        sa.Column("created_at", Text, nullable=False),
        sa.Column("updated_at", Text, nullable=False),
        sa.ForeignKeyConstraint(["repository_id"], ["repositories.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("scope", "kind", "name"),
    )
