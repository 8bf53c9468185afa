"""Outputs: the variables that steps write to a file for the steps and jobs after them.

DESIGN. Only names that the step declares count, so that a program that writes to the file can set nothing else. A value
is known in full within its job, where later steps get it as a variable; what leaves the job does so in a Record, with
secrets hidden.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pipelines.plan import PlannedJob, PlannedStep

LARGEST_BYTES = 64 * 1024


def output_path(job: PlannedJob, step: PlannedStep) -> str:
    """The file that a step with `outputs` writes them to: in the job's volume, beside the checkout."""
    return f"{job.workspace_base.rstrip('/')}/.headrace/output/{job.steps.index(step)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a step has written: values by name, and what can't be used of it, a line each."""

    values: Mapping[str, str]
    complaints: tuple[str, ...] = ()


def read_outputs(content: bytes, names: Iterable[str]) -> Written:
    """The values of these names in a file of `NAME=value` lines, the last one of each. Empty lines don't count."""
    values: dict[str, str] = {}
    complaints = []
    wanted = tuple(names)
    for number, line in enumerate(content.decode("utf-8", "replace").split("\n"), start=1):
        name, equals, value = line.removesuffix("\r").partition("=")
        if not equals or "\0" in line:
            complaints += [f"line {number} is not NAME=value"] if line.strip() else []
        elif name in wanted:
            values[name] = value
        else:
            complaints.append(f"line {number} is not of {', '.join(wanted)}")
    missing = (f"{name} was not written" for name in wanted if name not in values)
    return Written(values=values, complaints=(*complaints[:_MOST_COMPLAINTS], *missing))


_MOST_COMPLAINTS = 10


class JobOutputs:
    """What the steps of one job have written so far. Any thread may call it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, str] = {}

    def add(self, values: Mapping[str, str]) -> None:
        """Add what a step has written. What is written later wins."""
        with self._lock:
            self._values |= values

    def variables(self) -> dict[str, str]:
        """The variables of a step that begins now."""
        with self._lock:
            return dict(self._values)
