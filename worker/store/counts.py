"""Counts: how much is under way, for metrics. Each is read off an index, however long the history is."""

from datetime import UTC, datetime

from sqlalchemy import Connection, func, select

from pipelines.status import Status
from worker.store.outbox import LetterState
from worker.store.tables import outbox, runs, tasks
from worker.store.tasks import TaskState

_UNTAKEN = [TaskState.PENDING.value, TaskState.QUEUED.value]
_UNDER_WAY = [status.value for status in Status if not status.is_terminal]


def runs_by_status(connection: Connection) -> list[tuple[str, int]]:
    """How many runs have not ended, for each status that such a run can have."""
    query = select(runs.c.status, func.count()).where(runs.c.status.in_(_UNDER_WAY)).group_by(runs.c.status)
    found = {status: count for status, count in connection.execute(query)}  # noqa: C416 -- rows are no pairs to mypy
    return [(status, found.get(status, 0)) for status in _UNDER_WAY]


def longest_wait_seconds(connection: Connection) -> float:
    """How long the oldest task that no worker has taken has been waiting; 0 without any."""
    query = select(func.min(tasks.c.created_at)).where(tasks.c.state.in_(_UNTAKEN))
    since: str | None = connection.execute(query).scalar_one()
    return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(since)).total_seconds()) if since else 0.0


def untold_statuses(connection: Connection) -> int:
    """How many statuses wait to be told to their forge."""
    query = select(func.count()).select_from(outbox).where(outbox.c.state == LetterState.WAITING.value)
    return int(connection.execute(query).scalar_one())
