"""The first tables: repositories, deliveries, runs with their jobs, steps, artifacts and Records, and tasks."""

import sqlalchemy as sa
from alembic import op

from worker.store.types import BigInteger, Text

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make them."""
    _add_repositories()
    _add_deliveries()
    _add_runs()
    _add_jobs()
    _add_steps()
    _add_artifacts()
    _add_records()
    _add_tasks()


def _add_repositories() -> None:
    op.create_table(
        "repositories",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("owner", Text, nullable=False),
        sa.Column("name", Text, nullable=False),
        sa.Column("forge", Text, nullable=False),
        sa.Column("clone_url", Text, nullable=False),
        sa.Column("url", Text, nullable=False),
        sa.Column("default_branch", Text, nullable=False),
        sa.Column("secret", Text, nullable=False),
        sa.Column("last_number", sa.Integer, nullable=False),
        sa.Column("created_at", Text, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("owner", "name"),
    )


def _add_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("repository_id", sa.Integer, nullable=False),
        sa.Column("key", Text, nullable=False),
        sa.Column("event", Text, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("received_at", Text, nullable=False),
        sa.ForeignKeyConstraint(["repository_id"], ["repositories.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("repository_id", "key"),
    )


def _add_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", Text, nullable=False),
        sa.Column("repository_id", sa.Integer, nullable=False),
        sa.Column("delivery_id", sa.Integer),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("event", sa.LargeBinary, nullable=False),
        sa.Column("status", Text, nullable=False),
        sa.Column("reason", Text, nullable=False),
        sa.Column("cancel_reason", Text),
        sa.Column("last_seq", sa.Integer, nullable=False),
        sa.Column("created_at", Text, nullable=False),
        sa.Column("started_at", Text),
        sa.Column("finished_at", Text),
        sa.Column("duration_ms", BigInteger),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["repository_id"], ["repositories.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("repository_id", "number"),
    )
    op.create_index("runs_by_delivery", "runs", ["delivery_id"])
    op.create_index("runs_by_status", "runs", ["status"])


def _add_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("run_id", Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("name", Text, nullable=False),
        sa.Column("plan", sa.LargeBinary, nullable=False),
        sa.Column("status", Text, nullable=False),
        sa.Column("reason", Text, nullable=False),
        sa.Column("started_at", Text),
        sa.Column("finished_at", Text),
        sa.Column("duration_ms", BigInteger),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("run_id", "name"),
    )


def _add_steps() -> None:
    op.create_table(
        "steps",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("job_id", sa.Integer, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("kind", Text, nullable=False),
        sa.Column("name", Text, nullable=False),
        sa.Column("image", Text, nullable=False),
        sa.Column("status", Text, nullable=False),
        sa.Column("reason", Text, nullable=False),
        sa.Column("exit_code", sa.Integer),
        sa.Column("started_at", Text),
        sa.Column("finished_at", Text),
        sa.Column("duration_ms", BigInteger),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("job_id", "name"),
    )


def _add_artifacts() -> None:
    op.create_table(
        "artifacts",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("run_id", Text, nullable=False),
        sa.Column("job", Text, nullable=False),
        sa.Column("step", Text, nullable=False),
        sa.Column("path", Text, nullable=False),
        sa.Column("size_bytes", BigInteger, nullable=False),
        sa.Column("sha256", Text, nullable=False),
        sa.Column("created_at", Text, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("run_id", "job", "step", "path"),
    )


def _add_records() -> None:
    op.create_table(
        "records",
        sa.Column("run_id", Text, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "seq"),
    )


def _add_tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("id", Text, nullable=False),
        sa.Column("run_id", Text, nullable=False),
        sa.Column("job_id", sa.Integer),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("state", Text, nullable=False),
        sa.Column("last_seq", sa.Integer, nullable=False),
        sa.Column("created_at", Text, nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("tasks_by_run", "tasks", ["run_id"])
    op.create_index("tasks_by_state", "tasks", ["state", "created_at"])
