"""Lost jobs: whether one whose worker has vanished begins anew. Pure.

It does if every step that was under way says `retry` with `on: lost` and has an attempt left; where none was, the step
that was next. The workspace is gone with the worker, so the job begins at its first step.
"""

from collections.abc import Mapping

from pipelines.plan import PlannedJob, PlannedStep
from pipelines.status import Status


def steps_under_way(job: PlannedJob, statuses: Mapping[str, Status]) -> list[PlannedStep]:
    """The steps that run, or the next one if none does."""
    steps = job.included_steps
    running = [step for step in steps if statuses.get(step.name) is Status.RUNNING]
    return running or [step for step in steps if statuses.get(step.name) is Status.PENDING][:1]


def delay_before(job: PlannedJob, statuses: Mapping[str, Status]) -> float:
    """How many seconds to wait before another attempt: the longest that a step under way asks for."""
    return max((step.retry.delay for step in steps_under_way(job, statuses) if step.retry), default=0.0)


def begins_anew(job: PlannedJob, statuses: Mapping[str, Status], *, attempt: int) -> bool:
    """True if another attempt at the job follows this one, the first of which is 1."""
    steps = steps_under_way(job, statuses)
    return bool(steps) and all(
        step.retry is not None and "lost" in step.retry.on and attempt < step.retry.attempts for step in steps
    )
