"""Lint: all that can be said of workflow files while nobody knows for which event they are."""

from collections.abc import Iterable, Mapping

from pipelines.habits import bad_habits
from pipelines.problems import Problem
from pipelines.reading.library import NOTHING, Library
from pipelines.validate import Reading, check_together, read_workflows


def lint(
    files: Mapping[str, bytes],
    *,
    library: Library = NOTHING,
    known: Iterable[str] = (),
    is_whole_run: bool,
) -> tuple[Problem, ...]:
    """All problems of these workflow files (path → bytes), file by file and line by line.

    What holds between workflows is known only if the files are all those of a run. `library` has the files
    that they may include, `known` the names of global variables.
    """
    readings = read_workflows(files, library=library, known=frozenset(known))
    between = check_together(readings) if is_whole_run else ()
    own = (problem for reading in readings for problem in _of_file(reading, files[reading.file]))
    found = dict.fromkeys((*own, *between))
    return tuple(sorted(found, key=lambda problem: (problem.file, problem.line, problem.column)))


def _of_file(reading: Reading, text: bytes) -> Iterable[Problem]:
    yield from reading.problems
    if reading.workflow is not None:
        yield from bad_habits(reading.workflow, text)
