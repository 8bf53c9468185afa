"""The one vocabulary for what became of a run, a job or a step."""

from collections.abc import Iterable
from enum import StrEnum


class Status(StrEnum):
    """Where a run, job or step stands. Terminal ones never change again."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILURE = "failure"  # the author's step failed
    ERROR = "error"  # the workflow file or the machinery was at fault; the reason says which
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    SKIPPED = "skipped"
    BLOCKED = "blocked"  # waits for a person's approval
    LOST = "lost"  # the worker vanished

    @property
    def is_terminal(self) -> bool:
        """True once nothing can change any more."""
        return self not in _UNFINISHED

    @property
    def counts_as_success(self) -> bool:
        """True if what depends on this may go on."""
        return self in (Status.SUCCESS, Status.SKIPPED)


_UNFINISHED = frozenset({Status.PENDING, Status.RUNNING, Status.BLOCKED})

# Worst last: a run is as bad as the worst of its jobs.
_BY_GRAVITY = (
    Status.SKIPPED,
    Status.SUCCESS,
    Status.FAILURE,
    Status.TIMED_OUT,
    Status.CANCELLED,
    Status.LOST,
    Status.ERROR,
)


def worst(statuses: Iterable[Status]) -> Status:
    """The status of a whole whose finished parts have these; *skipped* if there are none."""
    return max(statuses, key=_BY_GRAVITY.index, default=Status.SKIPPED)
