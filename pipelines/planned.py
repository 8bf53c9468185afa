"""What the plan says of a step, carried over from the model whole: a key that is added to both can't be forgotten."""

from dataclasses import fields
from typing import Any

from pipelines.model import Step
from pipelines.plan import PlannedStep

_CARRIED = frozenset(field.name for field in fields(Step)) & frozenset(PlannedStep.__struct_fields__)


def planned_step(step: Step, **decided: Any) -> PlannedStep:
    """The step as planned. `decided` are the plan's own fields, such as `included`, and those that it changes."""
    return PlannedStep(**{name: getattr(step, name) for name in _CARRIED} | decided)
