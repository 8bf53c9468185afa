"""Exits: what the end of a run is to whoever has started it by a command."""

from pipelines.plan import Plan
from pipelines.status import Status

BROKEN_FILE = 2
_CODES = {
    Status.SUCCESS: 0,
    Status.SKIPPED: 0,
    Status.FAILURE: 1,
    Status.ERROR: 3,
    Status.TIMED_OUT: 4,
    Status.CANCELLED: 130,
}


def exit_code_of(status: Status, plan: Plan | None = None) -> int:
    """The exit code for a run that has ended so; with its plan, files with errors tell themselves apart."""
    if plan is not None and plan.has_errors:
        return BROKEN_FILE
    return _CODES.get(status, _CODES[Status.ERROR])
