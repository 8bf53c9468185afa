"""Progress: what comes next in a run, decided purely from where its jobs stand."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.status import Status, worst

NOTHING_TO_DO = "no workflow matches this event"
"""Why a run that has no jobs is *skipped*."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """Where a job stands. Several jobs share a `workflow` if it has a matrix; `depends_on` names workflows.

    `on` says whether the job runs when all it depends on has succeeded, when something of that has not, or both.
    """

    name: str
    workflow: str
    status: Status
    depends_on: tuple[str, ...] = ()
    on: tuple[Status, ...] = (Status.SUCCESS,)


@dataclass(frozen=True, slots=True, kw_only=True)
class NextMoves:
    """What to do now: jobs to start, jobs to skip (with the reason), and the run's final status if it has ended."""

    start: tuple[str, ...] = ()
    skip: tuple[tuple[str, str], ...] = ()
    finished: Status | None = None


def next_moves(jobs: Sequence[JobState]) -> NextMoves:
    """The moves that are due, once each: a job that waits is named again only while it is still *pending*.

    Skipping a job may make further moves due: ask again.
    """
    waiting = [job for job in jobs if job.status is Status.PENDING]
    starts, skips = [], []
    for job in waiting:
        needed = [other for other in jobs if other.workflow in job.depends_on]
        broken = next((other for other in needed if _is_broken(other)), None)
        if broken and Status.FAILURE not in job.on:
            skips.append((job.name, f"depends on {broken.name}, which ended as {broken.status}"))
        elif any(not other.status.is_terminal for other in needed):
            continue
        elif broken or Status.SUCCESS in job.on:
            starts.append(job.name)
        else:
            skips.append((job.name, "runs only after a failure"))
    finished = None if any(not job.status.is_terminal for job in jobs) else worst([job.status for job in jobs])
    return NextMoves(start=tuple(starts), skip=tuple(skips), finished=finished)


def _is_broken(job: JobState) -> bool:
    return job.status.is_terminal and job.status is not Status.SUCCESS
