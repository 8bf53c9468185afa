"""What workers take."""

from sqlalchemy import Column, ForeignKey, Index, Integer, Table

from worker.store.tables.metadata import metadata
from worker.store.types import Text

# What a worker can take: the planning of a run, or one attempt at one job. Its id is the fencing token.
tasks = Table(
    "tasks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE")),  # null: plan the run
    Column("attempt", Integer, nullable=False),
    Column("state", Text, nullable=False),  # pending, queued, running, ended
    Column("queue", Text),  # of the workers that it was given to
    Column("labels", Text, nullable=False, server_default="{}"),  # as JSON: what its worker must have
    Column("concurrency_group", Text),
    Column("concurrency_limit", Integer, nullable=False, server_default="0"),  # so many of the group at once
    Column("cancel_reason", Text),  # why it alone is to end, once it is
    Column("last_seq", Integer, nullable=False),  # of the Records taken from it: each is taken once
    Column("not_before", Text),  # when it may be given out at the earliest, if it has to wait for that
    Column("created_at", Text, nullable=False),
    Index("tasks_by_state", "state", "created_at"),
    Index("tasks_by_run", "run_id"),
    Index("tasks_by_job", "job_id"),  # without it, to remove a job is to look at every task
)
