"""Before: what lost attempts at a job have left of its steps, for the attempt that goes on from there."""

from collections.abc import Callable

from sqlalchemy import Connection

from pipelines.plan import PlannedJob
from pipelines.records import StepRetried
from worker.continuing import Before
from worker.store import queries
from worker.store.attempts import attempts_of


def before_of(
    connection: Connection, run_id: str, job: PlannedJob, lines_of: Callable[[str], int]
) -> dict[str, Before]:
    """By step, of those that were begun. `lines_of` gives how many lines there are in a step's log."""
    attempts = attempts_of(connection, run_id)
    passed = dict.fromkeys((step.name for step in (*job.services, *job.steps)), 0)
    for record in queries.ends_of_attempts(connection, run_id):
        if record.job == job.name and isinstance(record, StepRetried):
            passed[record.step] += record.duration_ms + record.delay_ms
    found = {
        name: Before(lines=lines_of(name), attempts=len(attempts.get((job.name, name), ())), duration_ms=duration_ms)
        for name, duration_ms in passed.items()
    }
    return {name: before for name, before in found.items() if before != Before()}
