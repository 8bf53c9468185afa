"""Retry: whether an attempt at a step that ended so is followed by another. Pure.

Each end is of one kind: the program failed, it took too long, it ran out of memory, or it couldn't be run. Exit codes
narrow the first kind alone, as the others have none that means anything. A step that was stopped from outside is never
tried again, but that is for its caller to know.
"""

from pipelines.details import Retry
from pipelines.status import Status
from runner.backend import Outcome, Shortage

NO_RETRY = Retry(attempts=1)


def is_followed(retry: Retry, attempt: int, outcome: Outcome) -> bool:
    """True if another attempt follows this one, the first of which is 1."""
    kind = _kind(outcome)
    if attempt >= retry.attempts or kind not in retry.on:
        return False
    return kind != "failure" or not retry.exit_codes or outcome.exit_code in retry.exit_codes


def _kind(outcome: Outcome) -> str:
    """What `on` calls such an end; nothing if no attempt follows it in any case."""
    match outcome.status:
        case Status.FAILURE:
            return "oom" if outcome.shortage is Shortage.MEMORY else "failure"
        case Status.TIMED_OUT:
            return "timeout"
        case Status.ERROR:
            return "error"
    return ""
