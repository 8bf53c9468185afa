"""What forges are to be told."""

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, UniqueConstraint

from worker.store.tables.metadata import metadata
from worker.store.types import Text

# What forges are to be told: the newest status of each commit under each name, and whether it has got there.
outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("repository_id", ForeignKey("repositories.id", ondelete="CASCADE"), nullable=False),
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),  # the run's: a later run's word counts more
    Column("sha", Text, nullable=False),
    Column("context", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("version", Integer, nullable=False),  # counts what was to be said under this name
    Column("state", Text, nullable=False),  # waiting, taken, refused, given_up
    Column("attempts", Integer, nullable=False),  # that failed since something was taken
    Column("changed_at", Text, nullable=False),
    Column("next_at", Text, nullable=False),  # when to try (again)
    UniqueConstraint("repository_id", "sha", "context"),
    Index("outbox_by_state", "state", "next_at"),
    Index("outbox_by_run", "run_id"),
)
