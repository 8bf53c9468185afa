"""Outputs of jobs: what the steps of earlier jobs have written becomes variables of those that wait for them. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from pipelines.plan import PlannedJob
from pipelines.records import AnyRecord, StepFinished


@dataclass(frozen=True, slots=True)
class StepAddress:
    """A step by its job's name and its own."""

    job: str
    step: str


Written = Mapping[StepAddress, Mapping[str, str]]
"""What steps have written."""


def written_by(records: Iterable[AnyRecord]) -> dict[StepAddress, Mapping[str, str]]:
    """What steps have written, those that have written something, by the Records of their ends."""
    ends = (record for record in records if isinstance(record, StepFinished))
    return {StepAddress(end.job, end.step): end.outputs for end in ends if end.outputs}


def waits_for_outputs(job: PlannedJob, jobs: Sequence[PlannedJob]) -> bool:
    """True if any step that the job waits for may write something for it."""
    return any(step.outputs for other in _before(job, jobs) for step in other.included_steps)


def with_outputs(job: PlannedJob, jobs: Sequence[PlannedJob], written: Written) -> PlannedJob:
    """The job, its variables with what was written in the jobs of the run that it waits for, at whatever remove.

    `CI_OUTPUT_<STEP>_<NAME>` in upper case. Where two jobs make one name, the later one in the plan wins.
    """
    found = {
        variable_name(step.name, name): value
        for other in _before(job, jobs)
        for step in other.steps
        for name, value in written.get(StepAddress(other.name, step.name), {}).items()
    }
    return msgspec.structs.replace(job, variables={**job.variables, **found}) if found else job


def variable_name(step: str, name: str) -> str:
    """What other jobs know an output by."""
    return f"CI_OUTPUT_{re.sub('[^A-Za-z0-9]', '_', step)}_{name}".upper()


def _before(job: PlannedJob, jobs: Sequence[PlannedJob]) -> list[PlannedJob]:
    """The jobs that have ended before this one begins, in the order of the plan."""
    needed = set(job.depends_on)
    while more := {name for other in jobs if other.workflow in needed for name in other.depends_on} - needed:
        needed |= more
    return [other for other in jobs if other.workflow in needed]
