"""Reads a workflow file for an event: its matrix, then for each cell `${NAME}`, the keys and the rules."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pipelines import rules
from pipelines.allowance import MAX_VALUES_OF_A_MATRIX, Allowance
from pipelines.changedfiles import ChangedFiles
from pipelines.event import Event, Included
from pipelines.files import workflow_name
from pipelines.matrix import Cell, cells
from pipelines.model import Workflow
from pipelines.nodes import Map, Node
from pipelines.params import parameter_variables
from pipelines.problems import Problem
from pipelines.reading.library import Library
from pipelines.reading.source import read_source
from pipelines.report import Report
from pipelines.substitution.tree import substituted
from pipelines.validate import read_matrix, validated
from pipelines.variables import event_variables, is_reserved


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What all files of a run are read for. `known` are variables by name, those without a value as `""`."""

    event: Event
    known: Mapping[str, str]
    trust: frozenset[str]
    library: Library
    changes: ChangedFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class CellReading:
    """A workflow as one cell of its matrix has it. `known` are all its variables, without those of the cell.

    `allowance` is what its file may still ask for.
    """

    workflow: Workflow
    cell: Cell
    known: Mapping[str, str]
    allowance: Allowance


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReading:
    """What became of one file. `cells` are of no use if any problem is an error."""

    file: str
    cells: tuple[CellReading, ...]
    included: tuple[Included, ...]
    problems: tuple[Problem, ...]

    @property
    def name(self) -> str:
        """The name of the file's workflow, broken or not."""
        return workflow_name(self.file)


def setting(event: Event, *, trust: frozenset[str], library: Library, variables: Mapping[str, str]) -> Setting:
    """The setting of a run. Global `variables` give way to what is ours, and never have its names."""
    free = {name: value for name, value in variables.items() if not is_reserved(name)}
    known = {**free, **event_variables(event, trust)}
    return Setting(
        event=event, known=known, trust=trust, library=library, changes=ChangedFiles(event.changed_files or ())
    )


def read_for(run: Setting, text: bytes, file: str) -> FileReading:
    """Read one file for an event, whatever is in it. What is wrong with several cells is reported once."""
    report = Report(file)
    source = read_source(text, report, library=run.library)
    found = tuple(_cells(source.root, run, report)) if source.root is not None else ()
    return FileReading(file=file, cells=found, included=source.included, problems=report.problems)


def _cells(root: Node, run: Setting, report: Report) -> Iterator[CellReading]:
    given = parameter_variables(root, run.event, report)
    known = {**given, **run.known, "CI_WORKFLOW_NAME": workflow_name(report.file)}
    as_written: Workflow | None = None
    for cell in _few_enough(cells(read_matrix(root, report), report), root, report):
        cells_own = Report(report.file, allowance=report.allowance, gaps=report.gaps)
        tree = substituted(root, {**known, **cell}, cells_own)
        workflow = as_written if tree is root and as_written else _workflow(tree, run, cells_own)
        as_written = workflow if tree is root else None
        cells_own.pass_on(report)
        if report.allowance.is_overspent:
            return
        if workflow is not None:
            yield CellReading(workflow=workflow, cell=cell, known=known, allowance=report.allowance)


def _few_enough(found: tuple[Cell, ...], root: Node, report: Report) -> tuple[Cell, ...]:
    """The cells; none, and reported, if a small file would make a huge plan of them."""
    values = len(found) * report.allowance.values.spent
    if len(found) > 1 and values > MAX_VALUES_OF_A_MATRIX:
        message = f"the matrix unfolds the file to {values:,} values in all; it may make {MAX_VALUES_OF_A_MATRIX:,}"
        place = root.get("matrix") if isinstance(root, Map) else None
        report.add((place or root).position, "matrix", message, hint="leave out cells, or make several workflows")
        return ()
    return found


def _workflow(tree: Node, run: Setting, report: Report) -> Workflow | None:
    workflow = validated(tree, report)
    if workflow is not None:
        rules.check_trust(workflow, run.trust, report)
    return workflow
