"""Validates one workflow file: its text becomes a Workflow, and all that is wrong with it becomes Problems."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipelines import rules
from pipelines.apart import names_apart
from pipelines.files import workflow_name
from pipelines.matrix import cells
from pipelines.model import Matrix, Workflow
from pipelines.nodes import List, Map, Node, Position, key_places
from pipelines.places import Place
from pipelines.problems import Problem, has_errors
from pipelines.reading.library import NOTHING, Library
from pipelines.reading.source import read_source
from pipelines.report import Report
from pipelines.reserved import check_reserved
from pipelines.substitution.tree import check_names
from pipelines.syntax.keys import read_keys
from pipelines.syntax.matrix import MATRIX
from pipelines.syntax.workflow import WORKFLOW_KEYS, workflow_of
from pipelines.variables import NAMES


@dataclass(frozen=True, slots=True)
class Reading:
    """What became of one file. `workflow` is None if any problem is an error.

    `brought` says by the names of other repositories' files where a file of this one includes them.
    """

    file: str
    workflow: Workflow | None
    problems: tuple[Problem, ...]
    brought: Mapping[str, Position]

    @property
    def name(self) -> str:
        """The name of the file's workflow, broken or not."""
        return workflow_name(self.file)


def read_workflow(text: bytes, file: str, *, library: Library = NOTHING, known: Iterable[str] = ()) -> Reading:
    """Read one file as it was written, `${NAME}` and all, whatever is in it.

    `file` is its path; it names the workflow and stands in the problems. `library` has the files that it
    may include, `known` the names of global variables.
    """
    report = Report(file, is_raw=True)
    root = read_source(text, report, library=library).root
    workflow = validated(root, report) if root is not None else None
    if root is not None:
        _check_names(root, known, report)
    problems = report.problems
    return Reading(file, None if has_errors(problems) else workflow, problems, report.brought)


def read_workflows(
    files: Mapping[str, bytes], *, library: Library = NOTHING, known: Iterable[str] = ()
) -> tuple[Reading, ...]:
    """Read the files of one run, sorted by their workflows' names."""
    readings = (read_workflow(text, file, library=library, known=known) for file, text in files.items())
    return tuple(sorted(readings, key=lambda reading: (reading.name, reading.file)))


def check_together(readings: Sequence[Reading]) -> tuple[Problem, ...]:
    """What is wrong between the workflows of one run. A broken file still lends its name to those that need it."""
    workflows = [reading.workflow for reading in readings if reading.workflow]
    return rules.check_together(workflows, {reading.file: reading.name for reading in readings})


def _check_names(root: Node, known: Iterable[str], report: Report) -> None:
    """Report what is wrong with the `${NAME}` of a file, and with its matrix, before anything is put into it."""
    axes = {name for cell in cells(read_matrix(root, report), report) for name in cell}
    params = root.get("params") if isinstance(root, Map) else None
    inputs = [entry.key.text for entry in params.entries] if isinstance(params, Map) else []
    check_names(root, {*NAMES, *known, *axes, *inputs, *(f"CI_PARAM_{name.upper()}" for name in inputs)}, report)


def read_matrix(root: Node, report: Report) -> Matrix | None:
    """The matrix of a file's tree, before anything is put into it; None without one, or if it can't be read."""
    node = root.get("matrix") if isinstance(root, Map) else None
    place = Place(node, "matrix", report) if node is not None else None
    return MATRIX.read(place) if place and not place.is_null else None


def validated(root: Node, report: Report) -> Workflow | None:
    """The workflow of a tree from `read_source`; None if it has no steps. It counts if the report has no errors."""
    values = read_keys(Place(root, "", report), WORKFLOW_KEYS)
    if values is None:
        return None
    written = key_places(root)
    workflow = names_apart(workflow_of(report.file, workflow_name(report.file), written=written, **values), report)
    rules.check(workflow, report)
    check_reserved(workflow, report)
    _check_steps(workflow, root, report)
    return workflow


def _check_steps(workflow: Workflow, root: Node, report: Report) -> None:
    if report.gaps.is_partial:
        return
    declared = root.get("steps") if isinstance(root, Map) else None
    match declared:
        case Map(entries=()) | List(items=()):
            report.add(declared.position, "steps", "`steps` is empty; a workflow needs at least one")
        case Map(entries=written) | List(items=written) if len(written) == len(workflow.steps):
            rules.check_graph(workflow, report)  # else a step is missing, for a reason that has been reported
