"""Report: collects the problems of one file, in file order, each once, and never too many to read."""

from collections.abc import Iterable

from pipelines.allowance import Allowance
from pipelines.gaps import Gaps
from pipelines.nodes import Position
from pipelines.problems import Level, Problem, has_errors
from pipelines.suggestions import nearest

MAX_PROBLEMS = 100


class Report:
    """Takes problems as they are found. Past `MAX_PROBLEMS` it only remembers that, and where, there were more.

    `is_raw` is true while `${NAME}` stands in the text as it was written, as for a file without an event.
    `allowance` is what the file may still ask for, `gaps` what need not be told again. `brought` says by the names of
    other repositories' files where a file of this one includes them.
    """

    def __init__(
        self, file: str, *, is_raw: bool = False, allowance: Allowance | None = None, gaps: Gaps | None = None
    ) -> None:
        self.file, self.is_raw = file, is_raw
        self.allowance = allowance or Allowance()
        self.gaps = gaps or Gaps()
        self.brought: dict[str, Position] = {}
        self._problems: dict[tuple[object, ...], Problem] = {}
        self._more: Problem | None = None

    @property
    def is_full(self) -> bool:
        """True once another problem wouldn't be shown, so that nobody need think about its wording."""
        return len(self._problems) >= MAX_PROBLEMS

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All of them by line and column, included files last; those at one place in the order they were found."""
        shown = sorted(
            self._problems.values(), key=lambda each: (each.file != self.file, each.file, each.line, each.column)
        )
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
            # What an alias has put in several places is one mistake, whichever path leads there.
            what = message.replace(path, "") if path else message
            self._problems.setdefault((problem.file, *position, level, what, hint), problem)

    def pass_on(self, other: "Report") -> None:
        """Give another report of this file all problems of this one."""
        for each in self.problems:
            position = Position(each.line, each.column, "" if each.file == self.file else each.file)
            other.add(position, each.path, each.message, hint=each.hint, level=each.level)

    def nearest(self, word: str, known: Iterable[str]) -> str:
        """A hint that names the nearest known word; `""` if none is near, or if nobody would see it."""
        return "" if self.is_full else nearest(word, sorted(known))

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
