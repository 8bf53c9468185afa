"""Excerpts: a problem with the line it is about and a caret, for terminals."""

from pipelines.nodes import printable
from pipelines.problems import Problem

_WIDTH = 100
_INDENT = "    "


def with_excerpt(problem: Problem, source: bytes) -> str:
    """Three lines: `file:line:column: error: message (hint)`, the line of `source` it is about, and a caret below it.

    One line alone where the source has no such line.
    """
    hint = f" ({printable(problem.hint)})" if problem.hint else ""
    place = f"{printable(problem.file)}:{problem.line}:{problem.column}"
    heading = f"{place}: {problem.level}: {printable(problem.message)}{hint}"
    line = _line(source, problem.line)
    if not line.strip():
        return heading
    shown, caret = _window(line, problem.column - 1)
    return f"{heading}\n{_INDENT}{shown}\n{_INDENT}{' ' * caret}^"


def _line(source: bytes, number: int) -> str:
    lines = source.decode("utf-8", "replace").removeprefix("\ufeff").split("\n")
    return lines[number - 1].rstrip("\r") if number <= len(lines) else ""


def _window(line: str, column: int) -> tuple[str, int]:
    """The part of a line around a column, one cell a character, and the column's place in it."""
    start = max(0, column - _WIDTH // 2) if len(line) > _WIDTH else 0
    part = line[start : start + _WIDTH]
    return "".join(c if c.isprintable() else " " for c in part), column - start
