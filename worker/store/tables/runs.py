"""Runs, and what was decided about them: that they may begin, and that their files are gone."""

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table, UniqueConstraint, text

from worker.store.tables.metadata import metadata
from worker.store.types import BigInteger, Text

_UNMEASURED = text("size_bytes IS NULL AND finished_at IS NOT NULL")
_TO_CANCEL = text("cancel_reason IS NOT NULL AND finished_at IS NULL")

runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("repository_id", ForeignKey("repositories.id", ondelete="CASCADE"), nullable=False),
    Column("delivery_id", ForeignKey("deliveries.id", ondelete="SET NULL")),
    Column("number", Integer, nullable=False),  # counts from 1 within its repository
    Column("event", LargeBinary, nullable=False),  # a pipelines.event.Event as JSON
    # Of the event, as are the next two: lists ask for them.
    Column("kind", Text, nullable=False, server_default=text("''")),
    Column("branch", Text, nullable=False, server_default=text("''")),
    Column("author", Text, nullable=False, server_default=text("''")),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("cancel_reason", Text),  # why it is to end before its time, once somebody has asked for that
    Column("last_seq", Integer, nullable=False),  # of its Records
    Column("created_at", Text, nullable=False),
    Column("started_at", Text),
    Column("finished_at", Text),
    Column("duration_ms", BigInteger),
    # The branch or pull request that a push was to, on which a newer one takes its place; null for other runs.
    Column("line", Text),
    Column("problems", LargeBinary),  # a list of pipelines.problems.Problem as JSON, once it has a Plan
    Column("kept_from", Text),  # the id of the run that has done for it what it doesn't do again
    Column("size_bytes", BigInteger),  # of its logs and artifacts on disk, once it has ended and they were measured
    UniqueConstraint("repository_id", "number"),
    Index("runs_by_line", "repository_id", "line", "status"),
    Index("runs_by_status", "status", "id"),
    Index("runs_by_branch", "branch", "id"),
    Index("runs_by_kind", "kind", "id"),
    Index("runs_by_author", "author", "id"),
    Index("runs_by_repository_and_status", "repository_id", "status", "number"),
    Index("runs_by_repository_and_branch", "repository_id", "branch", "number"),
    Index("runs_by_repository_and_kind", "repository_id", "kind", "number"),
    Index("runs_by_repository_and_author", "repository_id", "author", "number"),
    Index("runs_by_repository_and_age", "repository_id", "created_at"),
    Index("runs_by_delivery", "delivery_id"),
    Index("runs_unmeasured", "repository_id", sqlite_where=_UNMEASURED, postgresql_where=_UNMEASURED),
    Index("runs_to_cancel", "id", sqlite_where=_TO_CANCEL, postgresql_where=_TO_CANCEL),
)

# That somebody has looked at these commits of a pull request, or of a branch or tag, and lets them run.
approvals = Table(
    "approvals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("repository_id", ForeignKey("repositories.id", ondelete="CASCADE"), nullable=False),
    Column("ref", Text, nullable=False),
    Column("sha", Text, nullable=False),
    Column("approved_by", Text, nullable=False),
    Column("approved_at", Text, nullable=False),
    UniqueConstraint("repository_id", "ref", "sha"),
)

# That a run's logs or artifacts are not there any more, since when and why. The run itself is.
removals = Table(
    "removals",
    metadata,
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", Text, primary_key=True),  # logs or artifacts
    Column("removed_at", Text, nullable=False),
    Column("reason", Text, nullable=False),
)
