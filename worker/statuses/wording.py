"""Wording: what a status is called at the forge, and the phrase beside it. Pure."""

from pipelines.event import Event, EventKind
from pipelines.status import Status
from worker.durations import duration

_PREFIX = "headrace"
_PHRASES = {
    Status.PENDING: "waits",
    Status.RUNNING: "is running",
    Status.BLOCKED: "waits for approval",
    Status.SUCCESS: "succeeded",
    Status.FAILURE: "failed",
    Status.ERROR: "error",
    Status.CANCELLED: "was cancelled",
    Status.TIMED_OUT: "timed out",
    Status.SKIPPED: "was skipped",
    Status.LOST: "was lost",
}
_TIMED = frozenset({Status.SUCCESS, Status.FAILURE, Status.TIMED_OUT})


def context_of_run(event: Event) -> str:
    """`headrace/push`; what comes again and again for one commit has its name in it: `headrace/cron/nightly`."""
    match event.kind:
        case EventKind.CRON:
            which = event.cron
        case EventKind.DEPLOYMENT:
            which = event.deployment.target if event.deployment else ""
        case _:
            which = ""
    return "/".join(part for part in (_PREFIX, event.kind.value, which) if part)


def context_of_job(event: Event, job: str) -> str:
    """`headrace/push/build`."""
    return f"{context_of_run(event)}/{job}"


def ref_at_forge(event: Event) -> str:
    """The branch or tag that the commit is looked at on; a fork's branch is none of the repository's own."""
    if event.pull_request is not None:
        return event.ref if event.pull_request.from_fork else event.pull_request.source_branch
    return event.tag or event.branch


def phrase(status: Status, *, reason: str = "", duration_ms: int | None = None) -> str:
    """What is said beside the status: `failed after 3 min 20 s: step test: exit code 1`."""
    took = ""
    if status in _TIMED and duration_ms is not None:
        took = f" in {duration(duration_ms)}" if status is Status.SUCCESS else f" after {duration(duration_ms)}"
    words = _PHRASES[status]
    if status is Status.SUCCESS or not reason:
        return f"{words}{took}"
    return reason if reason.startswith(words) else f"{words}{took}: {reason}"
