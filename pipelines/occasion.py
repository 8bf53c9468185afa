"""Occasion: all that a `when` may ask about."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelines.event import Event
from pipelines.expressions.errors import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """An event as one job meets it: `matrix` is the job's cell, `variables` are those that have a value.

    `work` is what is left for the expressions of the job's file.
    """

    event: Event
    matrix: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    work: Work = field(default_factory=Work)
