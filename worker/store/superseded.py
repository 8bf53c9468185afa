"""Runs whose place a newer one takes, and what becomes of them."""

import msgspec
from sqlalchemy import Connection, select

from pipelines.event import Event
from pipelines.status import Status
from worker.store import history
from worker.store.repositories import StoredRepository
from worker.store.tables import runs
from worker.superseding import ends_older, line_of

_UNDER_WAY = [status.value for status in Status if not status.is_terminal]


def end_older(connection: Connection, repository: StoredRepository, event: Event, number: int) -> None:
    """End the runs that run `number`, of this event, takes the place of. What waits for approval is always among them.

    They say by which run they were superseded. One of the same commit, of which something else has happened, goes on.
    """
    if not line_of(event):
        return
    default_branch = repository.default_branch or event.repository.default_branch
    is_wanted = ends_older(repository.supersede, event, default_branch=default_branch)
    statuses = _UNDER_WAY if is_wanted else [Status.BLOCKED.value]
    same_line = (runs.c.repository_id == repository.id) & (runs.c.line == line_of(event))
    query = select(runs.c.id, runs.c.event).where(same_line, runs.c.status.in_(statuses), runs.c.number < number)
    for run_id, older in connection.execute(query.order_by(runs.c.number)).all():
        if msgspec.json.decode(older, type=Event).sha != event.sha:
            history.cancel(connection, run_id, f"run {number} is of a newer push")
