"""Names that are Headrace's own: a step may set them for itself, as in Woodpecker, and is told that it does."""

from collections.abc import Iterable

from pipelines.files import is_lenient
from pipelines.model import Workflow
from pipelines.nodes import Position
from pipelines.problems import Level
from pipelines.report import Report
from pipelines.variables import AT_RUN_TIME, NAMES

_OURS = (NAMES | AT_RUN_TIME) - {"CI"}  # many programs want to be told `CI: true`, and files say so


def check_reserved(workflow: Workflow, report: Report) -> None:
    """Warn of variables of ours that a file sets itself; files that were written for Woodpecker may."""
    if is_lenient(report.file):
        return
    steps = (*workflow.services, *workflow.steps)
    start = steps[0].position if steps else Position(1, 1)
    _check(workflow.environment, start, "environment", report)
    for step in steps:
        _check(step.environment, step.position, f"{step.path}.environment", report)


def _check(names: Iterable[str], position: Position, path: str, report: Report) -> None:
    for name in names:
        if name in _OURS:
            message = f"`{name}` is Headrace's own variable; steps will see this value in its place"
            report.add(position, f"{path}.{name}", message, hint="give it another name", level=Level.WARNING)
