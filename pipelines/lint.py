"""Lint: all that can be said of workflow files while nobody knows for which event they are."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pipelines.habits import bad_habits
from pipelines.nodes import Position
from pipelines.problems import Problem
from pipelines.reading.library import NOTHING, Library
from pipelines.unacted import never_acted
from pipelines.validate import Reading, check_together, read_workflows


@dataclass(frozen=True, slots=True)
class Findings:
    """All problems, file by file and line by line.

    `brought` says by the names of other repositories' files where a file of this one includes them.
    """

    problems: tuple[Problem, ...]
    brought: Mapping[str, Position]


def lint(
    files: Mapping[str, bytes],
    *,
    library: Library = NOTHING,
    known: Iterable[str] = (),
    is_whole_run: bool,
) -> Findings:
    """All that is wrong with these workflow files (path → bytes).

    What holds between workflows is known only if the files are all those of a run. `library` has the files
    that they may include, `known` the names of global variables.
    """
    readings = read_workflows(files, library=library, known=frozenset(known))
    between = check_together(readings) if is_whole_run else ()
    own = (problem for reading in readings for problem in _of_file(reading, files[reading.file]))
    found = dict.fromkeys((*own, *between))
    problems = tuple(sorted(found, key=lambda problem: (problem.file, problem.line, problem.column)))
    # Of several files that include the same one, the first counts.
    brought = {name: place for reading in reversed(readings) for name, place in reading.brought.items()}
    return Findings(problems, brought)


def _of_file(reading: Reading, text: bytes) -> Iterable[Problem]:
    yield from reading.problems
    if reading.workflow is not None:
        yield from bad_habits(reading.workflow, text)
        yield from never_acted(reading.workflow)
