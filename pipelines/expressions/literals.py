"""Literals of expressions: what the text of a string or a number stands for."""

import re

from pipelines.expressions.errors import ExpressionError

_ESCAPE = re.compile(r"\\(?:[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.))", re.DOTALL)
_SHORT = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", "'": "'", '"': '"',
          "?": "?", "`": "`"}  # fmt: skip


def text(literal: str) -> str:
    """The text of a string between its quotes. Backquotes take no escapes. Raises ExpressionError for unknown ones."""
    inner = literal[1:-1]
    return inner if literal[0] == "`" else _ESCAPE.sub(_unescaped, inner)


def number(literal: str) -> int | float:
    """The number that `1_000`, `0x1f` or `1.5e3` stands for. Raises ExpressionError if it is too long."""
    digits = literal.replace("_", "")
    if len(digits) > 40:
        raise ExpressionError(f"has a number of {len(digits)} digits")
    if digits[:2].lower() == "0x":
        return int(digits, 16)
    return int(digits) if digits.isdecimal() else float(digits)


def _unescaped(match: re.Match[str]) -> str:
    byte, short, long, octal, letter = match.groups()
    if letter:
        if letter not in _SHORT:
            raise ExpressionError(f"has the unknown escape \\{letter}", f"write `\\\\{letter}`, or use backquotes")
        return _SHORT[letter]
    code = int(octal, 8) if octal else int(byte or short or long, 16)
    if code > 0x10FFFF or 0xD800 <= code < 0xE000:
        raise ExpressionError(f"has the escape {match[0]}, which is no character")
    return chr(code)
