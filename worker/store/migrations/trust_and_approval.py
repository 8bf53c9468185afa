"""What repositories are trusted with, which of their runs wait for a person, and what such people have approved."""

import sqlalchemy as sa
from alembic import op

from worker.store.types import Text

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add them. No repository is trusted with anything; pull requests from forks wait."""
    with op.batch_alter_table("repositories") as repositories:
        repositories.add_column(sa.Column("trust", Text, nullable=False, server_default="none"))
        repositories.add_column(sa.Column("approval", Text, nullable=False, server_default="forks"))
    op.create_table(
        "approvals",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("repository_id", sa.Integer, nullable=False),
        sa.Column("ref", Text, nullable=False),
        sa.Column("sha", Text, nullable=False),
        sa.Column("approved_by", Text, nullable=False),
        sa.Column("approved_at", Text, nullable=False),
        sa.ForeignKeyConstraint(["repository_id"], ["repositories.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("repository_id", "ref", "sha"),
    )
