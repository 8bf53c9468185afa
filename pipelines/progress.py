"""Progress: what comes next in a run, decided purely from where its jobs stand."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.plan import PlannedJob
from pipelines.status import Status, worst

_CANCELLING = (Status.FAILURE, Status.TIMED_OUT, Status.ERROR)

NOTHING_TO_DO = "no workflow matches this event"
"""Why a run that has no jobs is *skipped*."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """Where a job stands. Several jobs share a `workflow` if it has a matrix; `depends_on` names workflows.

    `on` says whether the job runs when all it depends on has succeeded, when something of that has not, or both.
    `may_cancel` is set if one of its steps or services has `failure: cancel`.
    """

    name: str
    workflow: str
    status: Status
    depends_on: tuple[str, ...] = ()
    on: tuple[Status, ...] = (Status.SUCCESS,)
    may_cancel: bool = False

    @classmethod
    def of(cls, job: PlannedJob, status: Status) -> "JobState":
        """Where this job stands."""
        return cls(
            name=job.name,
            workflow=job.workflow,
            status=status,
            depends_on=job.depends_on,
            on=job.on,
            may_cancel=any(step.failure == "cancel" for step in (*job.services, *job.included_steps)),
        )


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
    finished = None if any(not job.status.is_terminal for job in jobs) else _worst(jobs)
    return NextMoves(start=tuple(starts), skip=tuple(skips), finished=finished)


def is_cancelled_by_job(jobs: Sequence[JobState]) -> bool:
    """True if a job has ended so that it cancels its run, which therefore is a failure, and not cancelled."""
    return any(job.may_cancel and job.status in _CANCELLING for job in jobs)


def _worst(jobs: Sequence[JobState]) -> Status:
    """What the run has become. What a job's failure has cancelled is part of that failure."""
    statuses = [job.status for job in jobs]
    return worst(each for each in statuses if each is not Status.CANCELLED or not is_cancelled_by_job(jobs))


def _is_broken(job: JobState) -> bool:
    return job.status.is_terminal and job.status is not Status.SUCCESS
