"""What a plan asks for that Headrace doesn't act on yet: told before a run, so that nothing is ignored in silence."""

from collections.abc import Iterator
from typing import Any

import msgspec

from pipelines.plan import Plan, PlannedJob, PlannedStep
from pipelines.syntax.steps import SERVICE_KEYS, STEP_KEYS
from pipelines.syntax.workflow import WORKFLOW_KEYS

_MOST_PLACES = 5
_FIELDS = {"backend_options": "user"}
"""What a key's value is called in the plan, where that isn't the key's own name."""


def unacted(plan: Plan) -> list[str]:
    """A line for each key of what will run that has no effect yet, with the jobs and steps that have it."""
    places: dict[str, list[str]] = {}
    for key, place in _asked(plan):
        places.setdefault(key, []).append(place)
    return [f"`{key}` has no effect yet: {_listed(found)}" for key, found in places.items()]


def _asked(plan: Plan) -> Iterator[tuple[str, str]]:
    for job in plan.included_jobs:
        yield from ((key, job.name) for key in _JOB_KEYS if _asks(job, key))
        for step in (*job.services, *job.steps):
            if step.included:
                yield from ((key, f"{job.name} > {step.name}") for key in _STEP_KEYS if _asks(step, key))
                if any(rule.expire for rule in step.artifacts):
                    yield "artifacts.expire", f"{job.name} > {step.name}"


def _asks(part: PlannedJob | PlannedStep, key: str) -> bool:
    """True if the plan's part has another value there than it has without the key."""
    name = _FIELDS.get(key, key)
    return bool(getattr(part, name) != _DEFAULTS[type(part)].get(name))


def _defaults(struct: type[msgspec.Struct]) -> dict[str, Any]:
    return {
        field.name: field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
        for field in msgspec.structs.fields(struct)
    }


def _listed(places: list[str]) -> str:
    more = len(places) - _MOST_PLACES
    return ", ".join(places[:_MOST_PLACES]) + (f" and {more} more" if more > 0 else "")


_JOB_KEYS = [key.name for key in WORKFLOW_KEYS.known if not key.acted_on]
_STEP_KEYS = list(dict.fromkeys(key.name for key in (*STEP_KEYS.known, *SERVICE_KEYS.known) if not key.acted_on))
_DEFAULTS: dict[type, dict[str, Any]] = {
    PlannedJob: _defaults(PlannedJob),
    PlannedStep: _defaults(PlannedStep),
}
