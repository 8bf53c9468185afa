"""Plugins that are trusted with more than their author, as long as settings alone tell their program what to do.

DESIGN. Commands, another entry point or an image built on the way would run something else under the trusted name, and
so would a variable: `BASH_ENV` makes a shell script run whatever is in the workspace first. Outputs of the same job's
steps are such variables; those of other jobs come as `CI_OUTPUT_…`, which no program obeys.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from pipelines.images import is_image
from pipelines.plan import PlannedJob, PlannedStep
from pipelines.variables import is_reserved


def is_told_by_settings_alone(step: PlannedStep, job: PlannedJob) -> bool:
    """True for a plugin whose program sees no variable that an author or a manual run has named."""
    foreign = [name for name in job.variables if not is_reserved(name)]
    written = [name for each in job.steps for name in each.outputs]
    return step.type == "plugin" and step.build is None and not step.environment and not foreign and not written


def with_privileges(job: PlannedJob, images: Iterable[str]) -> PlannedJob:
    """The job, in which plugins of these images run privileged."""
    allowed = tuple(images)

    def privileged(step: PlannedStep) -> PlannedStep:
        is_listed = is_told_by_settings_alone(step, job) and any(is_image(step.image, each) for each in allowed)
        return replace(step, privileged=True) if is_listed else step

    return replace(job, steps=tuple(privileged(step) for step in job.steps)) if allowed else job
