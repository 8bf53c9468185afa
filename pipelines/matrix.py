"""The cells of a matrix: the jobs that one workflow becomes."""

import math
from collections.abc import Mapping
from itertools import product

from pipelines.files import is_lenient
from pipelines.model import Matrix
from pipelines.nodes import quoted
from pipelines.problems import Level
from pipelines.report import Report
from pipelines.variables import is_reserved

MAX_CELLS = 256
_MAX_PRODUCT = 2_000  # combinations that `exclude` may choose from
_MAX_EXCLUDED = 100  # its entries, each of which is held against all of these

Cell = Mapping[str, str]
"""The values of one job by axis; empty without a matrix."""


def cells(matrix: Matrix | None, report: Report) -> tuple[Cell, ...]:
    """The cells in order, which goes by axis names; one without values if there is no matrix. None after an error."""
    if matrix is None:
        return ({},)
    axes = {name: values for name, values in sorted(matrix.axes.items()) if values}
    _check_names((*axes, *(name for cell in matrix.include for name in cell)), matrix, report)
    count = len(matrix.include) if matrix.include else math.prod(map(len, axes.values()))
    if count > _MAX_PRODUCT:
        return _too_many(f"more than {_MAX_PRODUCT:,}", matrix, report)
    if len(matrix.exclude) > _MAX_EXCLUDED:
        message = f"`exclude` has {len(matrix.exclude):,} entries; it may have {_MAX_EXCLUDED}"
        report.add(matrix.position, f"{matrix.path}.exclude", message, hint="list the cells by `include`")
        return ()
    found = [each for each in _candidates(matrix, axes) if not _is_excluded(each, matrix)]
    if len(found) > MAX_CELLS:
        return _too_many(f"{len(found):,}", matrix, report)
    if not found:
        report.add(matrix.position, matrix.path, "`exclude` leaves no cell of the matrix")
    return tuple({tuple(sorted(cell.items())): cell for cell in found}.values())


def job_name(workflow: str, cell: Cell) -> str:
    """The name of a workflow's job: `test`, or `test (OS=alpine, PY=3.12)` with axes by name."""
    values = ", ".join(f"{axis}={cell[axis]}" for axis in sorted(cell))
    return f"{workflow} ({values})" if values else workflow


def _candidates(matrix: Matrix, axes: Mapping[str, tuple[str, ...]]) -> list[Cell]:
    if any(matrix.include):
        return [cell for cell in matrix.include if cell]
    return [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]


def _is_excluded(cell: Cell, matrix: Matrix) -> bool:
    return any(pairs and pairs.items() <= cell.items() for pairs in matrix.exclude)


def _too_many(count: str, matrix: Matrix, report: Report) -> tuple[Cell, ...]:
    message = f"the matrix has {count} cells; it may have {MAX_CELLS}"
    report.add(matrix.position, matrix.path, message, hint="leave some out by `exclude`, or list cells by `include`")
    return ()


def _check_names(names: tuple[str, ...], matrix: Matrix, report: Report) -> None:
    level = Level.WARNING if is_lenient(report.file) else Level.ERROR
    for name in dict.fromkeys(names):
        if is_reserved(name):
            message = f"the axis {quoted(name)} has a name that is Headrace's own"
            report.add(matrix.position, f"{matrix.path}.{name}", message, hint="give it another name", level=level)
