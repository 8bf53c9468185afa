"""What runs by the clock."""

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, UniqueConstraint

from worker.store.tables.metadata import metadata
from worker.store.types import Text

# What is to run at which times. Times are when they come due, which a clock that is set anew doesn't change.
schedules = Table(
    "schedules",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("repository_id", ForeignKey("repositories.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("cron", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("branch", Text, nullable=False),  # or "" for the default one
    Column("params", Text, nullable=False),  # a JSON map
    Column("state", Text, nullable=False),  # enabled or disabled
    Column("trouble", Text, nullable=False),  # why the server disabled it itself, or ""
    Column("next_at", Text, nullable=False),
    Column("promised_at", Text, nullable=False),  # when that was worked out
    Column("last_at", Text),  # when its last run was made
    Column("last_run_id", ForeignKey("runs.id", ondelete="SET NULL")),
    Column("created_at", Text, nullable=False),
    UniqueConstraint("repository_id", "name"),
    Index("schedules_by_next", "state", "next_at"),
    Index("schedules_by_run", "last_run_id"),
)
