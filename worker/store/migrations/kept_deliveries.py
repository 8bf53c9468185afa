"""Deliveries of every kind are kept, with what was answered: those that were ignored, malformed or refused, too."""

import sqlalchemy as sa
from alembic import op

from worker.store.types import BigInteger, Text

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Those so far were all accepted. Their headers weren't kept, so they can be seen, and not read anew."""
    with op.batch_alter_table("deliveries") as deliveries:
        deliveries.alter_column("key", existing_type=Text, nullable=True)
        deliveries.add_column(sa.Column("said_key", Text))
        deliveries.add_column(sa.Column("verdict", Text, nullable=False, server_default="accepted"))
        deliveries.add_column(sa.Column("status_code", sa.Integer, nullable=False, server_default="202"))
        deliveries.add_column(sa.Column("answer", Text))
        deliveries.add_column(sa.Column("headers", Text, nullable=False, server_default="{}"))
        deliveries.add_column(sa.Column("size_bytes", BigInteger, nullable=False, server_default="0"))
        deliveries.add_column(sa.Column("digest", Text))
    op.execute("UPDATE deliveries SET said_key = key, size_bytes = length(payload)")
    op.create_index("deliveries_by_digest", "deliveries", ["repository_id", "digest"], unique=True)
    op.create_index("deliveries_by_verdict", "deliveries", ["repository_id", "verdict"])
