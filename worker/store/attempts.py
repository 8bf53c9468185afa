"""Attempts: each try at a step that has ended, with its commands, as the run's Records tell of it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from pipelines.records import CommandRun, StepFinished, StepRetried
from pipelines.status import Status
from worker.store import queries


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAttempt:
    """One try at a step, which has ended. `number` counts from 1."""

    number: int
    status: Status
    exit_code: int | None
    reason: str
    duration_ms: int
    commands: tuple[CommandRun, ...]


Attempts = Mapping[tuple[str, str], Sequence[StoredAttempt]]
"""Those at each step, by the names of its job and itself."""


def attempts_of(connection: Connection, run_id: str) -> Attempts:
    """The attempts at all steps of a run, in order."""
    found: defaultdict[tuple[str, str], list[StoredAttempt]] = defaultdict(list)
    passed_ms: defaultdict[tuple[str, str], int] = defaultdict(int)
    for record in queries.ends_of_attempts(connection, run_id):
        step = (record.job, record.step)
        if isinstance(record, StepRetried):
            found[step].append(_attempt(record, record.duration_ms))
            passed_ms[step] += record.duration_ms + record.delay_ms
        elif record.status is not Status.SKIPPED and record.attempt > len(found[step]):
            found[step].append(_attempt(record, max(0, record.duration_ms - passed_ms[step])))
    return found


def _attempt(record: StepRetried | StepFinished, duration_ms: int) -> StoredAttempt:
    return StoredAttempt(
        number=record.attempt,
        status=record.status,
        exit_code=record.exit_code,
        reason=record.reason,
        duration_ms=duration_ms,
        commands=record.commands,
    )
