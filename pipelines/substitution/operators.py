"""The operators of `${NAME}`: what each makes of a variable's value and its arguments.

Lengths and positions count bytes, as Woodpecker's do; a character that is cut in two is dropped.
"""

import re
from collections.abc import Callable, Sequence

from pipelines.allowance import Allowance
from pipelines.globtokens import GlobError, Token, tokens, used_up
from pipelines.substitution.templates import TemplateError

MAX_SIZE = 1_000_000

_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")

Arguments = Sequence[str]


def apply(operator: str, value: str, arguments: Arguments, allowance: Allowance) -> str:
    """The text that an operator makes. Raises TemplateError if it would be too long, or take too long."""
    if operator in _TRIMMING:
        return _trimmed(operator, value, arguments[0], allowance)
    return _OPERATORS.get(operator, _unchanged)(value, arguments)


def _unchanged(value: str, _: Arguments) -> str:
    return value


def _default(value: str, arguments: Arguments) -> str:
    return value or "".join(arguments)


def _length(value: str, _: Arguments) -> str:
    return str(len(value.encode()))


def _slice(value: str, arguments: Arguments) -> str:
    """A position from the end is negative, a length too. What is no number changes nothing, as in the shell."""
    if not all(_NUMBER.fullmatch(each) for each in arguments):
        return value
    start, *length = [int(each) for each in arguments]
    data = value.encode()
    start = start if start >= 0 else max(0, len(data) + start)
    end = len(data) if not length else _end(start, length[0], len(data))
    return data[start:end].decode(errors="ignore")


def _end(start: int, length: int, size: int) -> int:
    return start + length if length >= 0 else max(start, size + length)


def _replace_first(value: str, arguments: Arguments) -> str:
    return value.replace(arguments[0], "".join(arguments[1:]), 1)


def _replace_all(value: str, arguments: Arguments) -> str:
    old, new = arguments[0], "".join(arguments[1:])
    if value.count(old) * len(new) + len(value) > MAX_SIZE:
        raise TemplateError(f"a replacement gives more than {MAX_SIZE:,} characters")
    return value.replace(old, new)


def _replace_start(value: str, arguments: Arguments) -> str:
    """With nothing to put there it changes nothing, in Woodpecker too; `#` takes away."""
    if len(arguments) < 2 or not value.startswith(arguments[0]):
        return value
    return arguments[1] + value.removeprefix(arguments[0])


def _replace_end(value: str, arguments: Arguments) -> str:
    if len(arguments) < 2 or not value.endswith(arguments[0]):
        return value
    return value.removesuffix(arguments[0]) + arguments[1]


def _trimmed(operator: str, value: str, pattern: str, allowance: Allowance) -> str:
    glob = _glob(pattern)
    if not allowance.trimming.take(len(glob) * len(value)):
        raise TemplateError("patterns are looked for in too much text", "take less away from long values")
    if operator[0] == "#":
        return value[_used(glob, value, _TRIMMING[operator]) :]
    return value[: len(value) - _used(glob[::-1], value[::-1], _TRIMMING[operator])]


def _glob(pattern: str) -> tuple[Token, ...]:
    """The tokens of a shell's glob, in which braces mean nothing; none if it is malformed, which trims nothing."""
    try:
        return tokens(pattern, has_choices=False)
    except GlobError:
        return ()


def _used(glob: Sequence[Token], value: str, choose: Callable[[set[int]], int]) -> int:
    """How many characters, from the start, the glob takes; 0 if it takes none or nothing but none."""
    counts = used_up(glob, value) - {0}
    return choose(counts) if counts else 0


_OPERATORS: dict[str, Callable[[str, Arguments], str]] = {
    **dict.fromkeys(("=", ":=", ":-", ":?", ":+"), _default),
    "length": _length,
    ":": _slice,
    ",": lambda value, _: value[:1].lower() + value[1:],
    ",,": lambda value, _: value.lower(),
    "^": lambda value, _: value[:1].upper() + value[1:],
    "^^": lambda value, _: value.upper(),
    "/": _replace_first,
    "//": _replace_all,
    "/#": _replace_start,
    "/%": _replace_end,
}
_TRIMMING: dict[str, Callable[[set[int]], int]] = {"#": min, "##": max, "%": min, "%%": max}
