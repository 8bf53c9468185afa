"""Report: collects the problems of one file, in file order, each once, and never too many to read."""

from pipelines.nodes import Position
from pipelines.problems import Level, Problem, has_errors

MAX_PROBLEMS = 100
MAX_GLOBS_SIZE = 50_000
MAX_EXPRESSIONS_SIZE = 50_000


class Report:
    """Takes problems as they are found. Past `MAX_PROBLEMS` it only remembers that, and where, there were more.

    `is_raw` is true while `${NAME}` stands in the text as it was written, as for a file without an event.
    `weight` is how many values have been read for this file, included ones and all.
    """

    def __init__(self, file: str, *, is_raw: bool = False) -> None:
        self.file, self.is_raw = file, is_raw
        self.weight = 0
        self._problems: dict[Problem, None] = {}
        self._more: Problem | None = None
        self._globs_size = 0
        self._expressions_size = 0

    @property
    def is_full(self) -> bool:
        """True once another problem wouldn't be shown, so that nobody need think about its wording."""
        return len(self._problems) >= MAX_PROBLEMS

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All of them by line and column, included files last; those at one place in the order they were found."""
        shown = sorted(self._problems, key=lambda each: (each.file != self.file, each.file, each.line, each.column))
        return (*shown, self._more) if self._more else tuple(shown)

    @property
    def has_errors(self) -> bool:
        """True if any problem stops a run."""
        return has_errors(self.problems)

    def add(self, position: Position, path: str, message: str, *, hint: str = "", level: Level = Level.ERROR) -> None:
        """Take one problem, once."""
        if self.is_full and self._more and (self._more.level is Level.ERROR or level is Level.WARNING):
            return
        problem = Problem(
            file=position.file or self.file,
            line=position.line,
            column=position.column,
            path=path,
            level=level,
            message=message,
            hint=hint,
        )
        if self.is_full:
            self._overflow(problem)
        else:
            self._problems[problem] = None

    def count_glob(self, size: int) -> bool:
        """Count a glob's size. False once those of this file are too many to match in good time."""
        self._globs_size += size
        return self._globs_size <= MAX_GLOBS_SIZE

    def count_expression(self, size: int) -> bool:
        """Count an expression's characters. False once those of this file are too many to read in good time."""
        self._expressions_size += size
        return self._expressions_size <= MAX_EXPRESSIONS_SIZE

    def _overflow(self, problem: Problem) -> None:
        # An error that isn't shown must still stop the run, even behind a hundred warnings.
        level = Level.ERROR if self._more and self._more.level is Level.ERROR else problem.level
        self._more = Problem(
            file=self.file,
            line=problem.line,
            column=problem.column,
            level=level,
            message=f"there are more problems; only {MAX_PROBLEMS} are shown",
        )
