"""What a plan needs to be carried out: images, secrets, variables."""

from collections.abc import Iterator

from pipelines.details import SecretReference, Value
from pipelines.model import Step
from pipelines.plan import Plan, PlannedJob, PlannedStep


def images(plan: Plan) -> tuple[str, ...]:
    """The images of all that runs, each once, in the order they are met. Those to be built are not among them."""
    return tuple(dict.fromkeys(step.image for step in _running(plan) if step.image))


def secrets(plan: Plan) -> tuple[str, ...]:
    """The names of the secrets of all that runs, each once, in the order they are met."""
    return tuple(dict.fromkeys(name for step in _running(plan) for name in secrets_of(step)))


def secrets_of(step: Step | PlannedStep) -> tuple[str, ...]:
    """The names of the secrets that one step gets, each once."""
    values = (
        *step.environment.values(),
        *step.settings.values(),
        *(step.build.args.values() if step.build else ()),
    )
    return tuple(dict.fromkeys(name for value in values for name in _names(value)))


def common_variables(job: PlannedJob) -> tuple[str, ...]:
    """The variables that every step of a job with several has, as those of the workflow."""
    steps = job.included_steps
    if len(steps) < 2:
        return ()
    return tuple(name for name in steps[0].environment if all(name in step.environment for step in steps))


def _running(plan: Plan) -> Iterator[PlannedStep]:
    for job in plan.included_jobs:
        yield from (service for service in job.services if service.included)
        yield from job.included_steps


def _names(value: Value) -> Iterator[str]:
    match value:
        case SecretReference():
            yield value.from_secret
        case tuple():
            yield from (name for part in value for name in _names(part))
