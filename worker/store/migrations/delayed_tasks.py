"""When a task may be given out at the earliest: an attempt at a lost job waits as long as its steps say."""

import sqlalchemy as sa
from alembic import op

from worker.store.types import Text

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the column. Tasks of before wait for no time."""
    with op.batch_alter_table("tasks") as tasks:
        tasks.add_column(sa.Column("not_before", Text))
