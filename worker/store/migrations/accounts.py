"""Accounts, with their sessions, tokens and invitations."""

import sqlalchemy as sa
from alembic import op

from worker.store.types import Text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make their tables."""
    _add_accounts()
    _add_sessions()
    _add_tokens()
    _add_invitations()


def _add_accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", Text, nullable=False),
        sa.Column("role", Text, nullable=False),
        sa.Column("password", Text),
        sa.Column("created_at", Text, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )


def _add_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("digest", Text, nullable=False),
        sa.Column("account_id", sa.Integer, nullable=False),
        sa.Column("created_at", Text, nullable=False),
        sa.Column("seen_at", Text, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("sessions_by_account", "sessions", ["account_id"])


def _add_tokens() -> None:
    op.create_table(
        "tokens",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("account_id", sa.Integer, nullable=False),
        sa.Column("name", Text, nullable=False),
        sa.Column("digest", Text, nullable=False),
        sa.Column("scope", Text, nullable=False),
        sa.Column("created_at", Text, nullable=False),
        sa.Column("expires_at", Text),
        sa.Column("used_at", Text),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
        sa.UniqueConstraint("account_id", "name"),
    )


def _add_invitations() -> None:
    op.create_table(
        "invitations",
        sa.Column("digest", Text, nullable=False),
        sa.Column("account_id", sa.Integer),
        sa.Column("expires_at", Text, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("digest"),
    )
