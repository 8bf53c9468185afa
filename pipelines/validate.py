"""Validates one workflow file: its text becomes a Workflow, and all that is wrong with it becomes Problems."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipelines import rules
from pipelines.document import read_document
from pipelines.files import workflow_name
from pipelines.keys import read_keys
from pipelines.model import Workflow
from pipelines.nodes import List, Map, Node
from pipelines.places import Place
from pipelines.problems import Problem, has_errors
from pipelines.report import Report
from pipelines.syntax import WORKFLOW_KEYS


@dataclass(frozen=True, slots=True)
class Reading:
    """What became of one file. `workflow` is None if any problem is an error."""

    file: str
    workflow: Workflow | None
    problems: tuple[Problem, ...]

    @property
    def name(self) -> str:
        """The name of the file's workflow, broken or not."""
        return workflow_name(self.file)


def read_workflow(text: bytes, file: str) -> Reading:
    """Read one file, whatever is in it. `file` is its path; it names the workflow and stands in the problems."""
    report = Report(file)
    root = read_document(text, report)
    workflow = _workflow(root, file, report) if root is not None else None
    problems = report.problems
    return Reading(file, None if has_errors(problems) else workflow, problems)


def read_workflows(files: Mapping[str, bytes]) -> tuple[Reading, ...]:
    """Read the files of one run, sorted by their workflows' names."""
    readings = (read_workflow(text, file) for file, text in files.items())
    return tuple(sorted(readings, key=lambda reading: (reading.name, reading.file)))


def check_together(readings: Sequence[Reading]) -> tuple[Problem, ...]:
    """What is wrong between the workflows of one run. A broken file still lends its name to those that need it."""
    workflows = [reading.workflow for reading in readings if reading.workflow]
    return rules.check_together(workflows, {reading.file: reading.name for reading in readings})


def _workflow(root: Node, file: str, report: Report) -> Workflow | None:
    values = read_keys(Place(root, "", report), WORKFLOW_KEYS)
    if values is None:
        return None
    workflow = Workflow(file=file, name=workflow_name(file), **values)
    rules.check(workflow, report)
    _check_steps(workflow, root, report)
    return workflow


def _check_steps(workflow: Workflow, root: Node, report: Report) -> None:
    declared = root.get("steps") if isinstance(root, Map) else None
    match declared:
        case Map(entries=()) | List(items=()):
            report.add(declared.position, "steps", "`steps` is empty; a workflow needs at least one")
        case Map(entries=written) | List(items=written) if len(written) == len(workflow.steps):
            rules.check_graph(workflow, report)  # else a step is missing, for a reason that has been reported
