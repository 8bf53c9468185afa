"""Problems: what is wrong in a workflow file, where, and what to write instead."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec


class Level(StrEnum):
    """Errors stop a run before it starts; warnings are shown and don't."""

    ERROR = "error"
    WARNING = "warning"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong at one place. `line` and `column` count from 1; `path` is the key's, as `steps[0].image`."""

    file: str
    line: int
    column: int
    message: str
    path: str = ""
    level: Level = Level.ERROR
    hint: str = ""

    def __str__(self) -> str:
        """`file:line:column: message (hint)`, the form every editor understands."""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.file}:{self.line}:{self.column}: {self.message}{hint}"


def has_errors(problems: Iterable[Problem]) -> bool:
    """True if any of these stops a run."""
    return any(problem.level is Level.ERROR for problem in problems)
