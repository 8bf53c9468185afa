"""What a run is made of and what it leaves: jobs, steps, artifacts and Records."""

from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, Table, UniqueConstraint

from worker.store.tables.metadata import metadata
from worker.store.types import BigInteger, Text

jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),  # within the Plan, from 0
    Column("name", Text, nullable=False),
    Column("plan", LargeBinary, nullable=False),  # a pipelines.plan.PlannedJob as JSON
    Column("decide_until", Text),  # when it has waited for a person for too long, if it had to
    Column("decided_by", Text),  # who let it begin, or not
    Column("decided_at", Text),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("started_at", Text),
    Column("finished_at", Text),
    Column("duration_ms", BigInteger),
    UniqueConstraint("run_id", "name"),
)

steps = Table(
    "steps",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),  # services first, then steps in file order
    Column("kind", Text, nullable=False),  # step or service
    Column("name", Text, nullable=False),
    Column("image", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("exit_code", Integer),
    Column("started_at", Text),
    Column("finished_at", Text),
    Column("duration_ms", BigInteger),
    UniqueConstraint("job_id", "name"),
)

artifacts = Table(
    "artifacts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("job", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    UniqueConstraint("run_id", "job", "step", "path"),
)

# Every Record save log lines, which live in log files.
records = Table(
    "records",
    metadata,
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)
