"""Occasion: the event, matrix cell and variables that a `when` is judged by."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelines.allowance import MAX_COMPARISONS, Budget
from pipelines.changedfiles import ChangedFiles
from pipelines.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """An event as one job meets it: `matrix` is the job's cell, `variables` are those that have a value.

    `changes` are the event's changed files, shared by all jobs of a run; `comparisons` is how many of them may still be
    compared with globs.
    """

    event: Event
    changes: ChangedFiles
    comparisons: Budget = field(default_factory=lambda: Budget(MAX_COMPARISONS))
    matrix: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
