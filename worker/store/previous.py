"""The run before: the last one of the same branch, as a later run's `CI_PREV_*` variables tell of it."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select

from pipelines.event import Event, Previous, PullRequest
from worker.context import run_path
from worker.store.tables import runs


def previous_run(
    connection: Connection, event: Event, *, repository_id: int, number: int, server_url: str
) -> Previous | None:
    """The last run before this number whose event has the same branch; None if there is none."""
    row = connection.execute(
        select(runs)
        .where(runs.c.repository_id == repository_id, runs.c.branch == event.branch, runs.c.number < number)
        .order_by(runs.c.number.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else _told(row, msgspec.json.decode(row.event, type=Event), server_url)


def _told(row: Row[Any], event: Event, server_url: str) -> Previous:
    request = event.pull_request or PullRequest(number=0)
    return Previous(
        number=row.number,
        parent=event.parent,
        kind=event.kind.value,
        status=row.status,
        url=server_url + run_path(event.repository.full_name, row.number),
        forge_url=event.forge_url,
        created_at=_seconds(row.created_at),
        started_at=_seconds(row.started_at),
        finished_at=_seconds(row.finished_at),
        sha=event.sha,
        ref=event.ref,
        branch=event.branch,
        message=event.message,
        timestamp=event.timestamp,
        author=event.author,
        author_email=event.author_email,
        sender=event.sender,
        source_branch=request.source_branch,
        target_branch=request.target_branch,
    )


def _seconds(time: str | None) -> int:
    return int(datetime.fromisoformat(time).timestamp()) if time else 0
