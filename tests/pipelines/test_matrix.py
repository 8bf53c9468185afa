"""A matrix becomes cells: their order, their names, what is left out, and the cap."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.matrix import Cell, cells, job_name
from pipelines.model import Matrix
from pipelines.nodes import Position
from pipelines.problems import Level
from pipelines.report import Report

HERE = Position(2, 3)


def made(matrix: Matrix | None, file: str = "a.yaml") -> tuple[list[dict[str, str]], list[str]]:
    report = Report(file)
    found = [dict(cell) for cell in cells(matrix, report)]
    return found, [problem.message for problem in report.problems if problem.level is Level.ERROR]


def test_without_a_matrix_there_is_one_cell_without_values() -> None:
    assert made(None) == ([{}], [])
    assert made(Matrix(position=HERE)) == ([{}], [])


def test_axes_are_sorted_by_name_and_values_stay_in_order() -> None:
    matrix = Matrix(position=HERE, axes={"PY": ("3.9", "3.13"), "OS": ("b", "a")})
    assert made(matrix)[0] == [
        {"OS": "b", "PY": "3.9"},
        {"OS": "b", "PY": "3.13"},
        {"OS": "a", "PY": "3.9"},
        {"OS": "a", "PY": "3.13"},
    ]


def test_axis_without_values_is_not_there() -> None:
    assert made(Matrix(position=HERE, axes={"A": (), "B": ("1",)}))[0] == [{"B": "1"}]


def test_include_replaces_the_axes() -> None:
    matrix = Matrix(position=HERE, axes={"A": ("1", "2")}, include=({"A": "3"}, {"B": "4"}))
    assert made(matrix)[0] == [{"A": "3"}, {"B": "4"}]


def test_include_without_entries_replaces_nothing() -> None:
    assert made(Matrix(position=HERE, axes={"A": ("1",)}, include=({},)))[0] == [{"A": "1"}]


def test_exclude_takes_cells_with_all_its_pairs() -> None:
    matrix = Matrix(position=HERE, axes={"A": ("1", "2"), "B": ("1", "2")}, exclude=({"A": "1", "B": "2"}, {}))
    assert {"A": "1", "B": "2"} not in made(matrix)[0]
    assert len(made(matrix)[0]) == 3


def test_exclude_of_one_axis_takes_all_its_cells() -> None:
    matrix = Matrix(position=HERE, axes={"A": ("1", "2"), "B": ("1", "2")}, exclude=({"A": "1"},))
    assert made(matrix)[0] == [{"A": "2", "B": "1"}, {"A": "2", "B": "2"}]


def test_matrix_without_a_cell_left_is_an_error() -> None:
    matrix = Matrix(position=HERE, axes={"A": ("1",)}, exclude=({"A": "1"},))
    assert made(matrix) == ([], ["`exclude` leaves no cell of the matrix"])


def test_cell_that_is_there_twice_counts_once() -> None:
    assert made(Matrix(position=HERE, axes={"A": ("1", "1")}))[0] == [{"A": "1"}]


def test_too_many_cells_are_an_error_and_never_a_silent_cut() -> None:
    values = tuple(str(n) for n in range(17))
    assert made(Matrix(position=HERE, axes={"A": values[:16], "B": values[:16]}))[1] == []
    found, problems = made(Matrix(position=HERE, axes={"A": values, "B": values}))
    assert (found, problems) == ([], ["the matrix has 289 cells; it may have 256"])


def test_exclude_may_bring_a_matrix_below_the_cap() -> None:
    values = tuple(str(n) for n in range(17))
    matrix = Matrix(position=HERE, axes={"A": values, "B": values}, exclude=tuple({"A": value} for value in values[:8]))
    assert len(made(matrix)[0]) == 9 * 17


def test_matrix_beyond_measure_is_answered_at_once() -> None:
    axes: dict[str, tuple[str, ...]] = {f"A{n}": ("1", "2") for n in range(200)}
    assert made(Matrix(position=HERE, axes=axes)) == ([], ["the matrix has more than 2,000 cells; it may have 256"])


def test_axis_can_not_have_a_name_of_ours() -> None:
    matrix = Matrix(position=HERE, axes={"CI_COMMIT_SHA": ("1",)})
    assert made(matrix)[1] == ['the axis "CI_COMMIT_SHA" has a name that is Headrace\'s own']
    assert made(matrix, ".woodpecker.yaml")[1] == []


@pytest.mark.parametrize(
    ("cell", "name"), [({}, "test"), ({"PY": "3.12"}, "test (PY=3.12)"), ({"PY": "3", "OS": "a"}, "test (OS=a, PY=3)")]
)
def test_job_is_named_after_its_values(cell: Cell, name: str) -> None:
    assert job_name("test", cell) == name


values = st.lists(st.sampled_from(["1", "2", "3"]), max_size=3, unique=True).map(tuple)


@given(st.dictionaries(st.sampled_from("ABC"), values, max_size=3))
def test_every_combination_is_a_cell(axes: dict[str, tuple[str, ...]]) -> None:
    """The obvious model: start with nothing, and add one axis after another."""
    expected: list[dict[str, str]] = [{}]
    for axis in sorted(axes):
        expected = [{**cell, axis: value} for cell in expected for value in axes[axis]] if axes[axis] else expected
    found = made(Matrix(position=HERE, axes=axes))
    assert found == (expected, [])
