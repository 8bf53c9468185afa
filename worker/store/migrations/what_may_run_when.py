"""What may run when: priorities and limits, the lines that newer pushes take over, queues, groups and decisions."""

import sqlalchemy as sa
from alembic import op

from worker.store.types import Text

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add them. What waits in the one queue of before waits in none now, and is given out anew."""
    with op.batch_alter_table("repositories") as repositories:
        repositories.add_column(sa.Column("supersede", Text, nullable=False, server_default="branches"))
        repositories.add_column(sa.Column("priority", sa.Integer, nullable=False, server_default="0"))
        repositories.add_column(sa.Column("max_runs", sa.Integer))
    with op.batch_alter_table("runs") as runs:
        runs.add_column(sa.Column("line", Text))
        runs.create_index("runs_by_line", ["repository_id", "line", "status"])
    with op.batch_alter_table("jobs") as jobs:
        jobs.add_column(sa.Column("decide_until", Text))
        jobs.add_column(sa.Column("decided_by", Text))
        jobs.add_column(sa.Column("decided_at", Text))
    with op.batch_alter_table("tasks") as tasks:
        tasks.add_column(sa.Column("queue", Text))
        tasks.add_column(sa.Column("labels", Text, nullable=False, server_default="{}"))
        tasks.add_column(sa.Column("concurrency_group", Text))
        tasks.add_column(sa.Column("concurrency_limit", sa.Integer, nullable=False, server_default="0"))
        tasks.add_column(sa.Column("cancel_reason", Text))
