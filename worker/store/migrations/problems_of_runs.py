"""What a run's plan has to say of the workflow files: its errors and warnings."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column. Runs of before have nothing to say there."""
    with op.batch_alter_table("runs") as runs:
        runs.add_column(sa.Column("problems", sa.LargeBinary))
