"""Reads text with `${NAME}` in it into what stands there and what is to be put there.

The forms are those of the library that Woodpecker uses, odd corners included: escapes count at the top and within
`/`, not within other arguments; the pattern of `/` goes on to the next `/`, over any `}`.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from pipelines.nodes import quoted

_MAX_NESTING = 20

Template = tuple["str | Reference", ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """`${NAME}`, with an operator and its arguments if it has one. `source` is its text, braces and all."""

    source: str
    name: str
    operator: str = ""
    arguments: tuple[Template, ...] = ()


class TemplateError(ValueError):
    """Raised when a substitution is malformed or would grow beyond measure. `hint` says what to write."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


@lru_cache(maxsize=4096)
def parse(text: str) -> Template:
    """The parts of a text. Raises TemplateError if a `${` in it is malformed."""
    return _Reader(text).parts(until="", escapes=True, depth=0)


_NAME = re.compile(r"[\w-]+")
_OPERATOR = re.compile(r":[-=?+]|=|[,^]{1,2}|/[/#%]?|##?|%%?|:")
DEFAULTS = frozenset({"=", ":=", ":-", ":?", ":+"})
_ESCAPES = {"$$": "$", "\\\\": "\\", "\\/": "/"}


class _Reader:
    """Reads a text from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    @property
    def _next(self) -> str:
        """The next character, or `""` at the end."""
        return self._text[self._at : self._at + 1]

    def _took(self, text: str) -> bool:
        """True if this is what follows, which is then done with."""
        found = self._text.startswith(text, self._at)
        self._at += len(text) if found else 0
        return found

    def _matched(self, form: re.Pattern[str]) -> str:
        """What follows in this form, which is then done with; `""` if it has another."""
        found = form.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return found[0] if found else ""

    def parts(self, *, until: str, escapes: bool, depth: int) -> Template:
        """Text and references up to one of the characters `until`, which is left to be read, or to the end."""
        parts: list[str | Reference] = []
        literal: list[str] = []
        while self._next and self._next not in until:
            pair = self._text[self._at : self._at + 2]
            if pair == "${":
                parts += ["".join(literal)] if literal else []
                literal = []
                parts.append(self._reference(depth))
            elif escapes and pair in _ESCAPES:
                literal.append(_ESCAPES[pair])
                self._at += 2
            else:
                literal.append(self._plain(until))
        return (*parts, "".join(literal)) if literal else tuple(parts)

    def _plain(self, until: str) -> str:
        """The next character and those after it that can't mean anything."""
        start = self._at
        self._at += 1
        while self._next and self._next not in until and self._next not in "$\\":
            self._at += 1
        return self._text[start : self._at]

    def _reference(self, depth: int) -> Reference:
        start = self._at
        if depth >= _MAX_NESTING:
            raise TemplateError(f"has more than {_MAX_NESTING} `${{` inside each other")
        self._at += 2
        is_length = self._took("#")
        name = self._matched(_NAME)
        operator = "" if is_length else self._matched(_OPERATOR)
        arguments = self._arguments(operator, depth + 1)
        if not name or arguments is None or not self._took("}"):
            raise _malformed(self._text, start)
        return Reference(self._text[start : self._at], name, "length" if is_length else operator, arguments)

    def _arguments(self, operator: str, depth: int) -> tuple[Template, ...] | None:
        """The arguments up to the closing brace; None if one is missing."""
        if operator in DEFAULTS:
            return (self.parts(until="}", escapes=False, depth=depth),)
        if operator[:1] in ("#", "%"):
            return _all_there(self.parts(until="}", escapes=False, depth=depth))
        if operator == ":":
            return self._position(depth)
        if operator[:1] == "/":
            return self._replacement(depth)
        return ()

    def _position(self, depth: int) -> tuple[Template, ...] | None:
        start = self.parts(until=":}", escapes=False, depth=depth)
        if self._next != ":":
            return _all_there(start)
        while self._took(":"):
            pass
        return _all_there(start, self.parts(until="}", escapes=False, depth=depth))

    def _replacement(self, depth: int) -> tuple[Template, ...] | None:
        pattern = self.parts(until="/", escapes=True, depth=depth)
        if self._next != "/":
            return None
        while self._took("/"):
            pass
        if self._next == "}":
            return _all_there(pattern)
        return _all_there(pattern, self.parts(until="}", escapes=True, depth=depth))


def _all_there(*arguments: Template) -> tuple[Template, ...] | None:
    return arguments if all(arguments) else None


def _malformed(text: str, start: int) -> TemplateError:
    end = text.find("}", start)
    shown = text[start : end + 1] if end >= 0 else text[start:].split("\n", maxsplit=1)[0]
    what = "is no substitution" if end >= 0 else "has no closing }"
    if text.startswith("${{", start):
        return TemplateError(f"{quoted(shown)} {what}", "`${{ … }}` is another system's; write `${NAME}`")
    return TemplateError(f"{quoted(shown)} {what}", f"write `${shown[:20]}…` if the shell is to see it")
