"""When a task may be given out at the earliest, and how many deliveries are kept, and how much of them."""

import sqlalchemy as sa
from alembic import op

from worker.store.types import BigInteger, Text

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the columns. Tasks of before wait for no time, and repositories have said nothing."""
    with op.batch_alter_table("tasks") as tasks:
        tasks.add_column(sa.Column("not_before", Text))
    with op.batch_alter_table("retention") as retention:
        retention.add_column(sa.Column("deliveries_count", sa.Integer))
        retention.add_column(sa.Column("deliveries_bytes", BigInteger))
