"""Exits: what the end of a run is to whoever has started it by a command."""

from collections.abc import Iterable

from pipelines.problems import Problem, has_errors
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


def exit_code_of(status: Status, problems: Iterable[Problem] = ()) -> int:
    """The exit code for a run that has ended so; one whose files have errors, as its problems say, has its own."""
    return BROKEN_FILE if has_errors(problems) else _CODES.get(status, _CODES[Status.ERROR])
