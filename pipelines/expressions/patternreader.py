"""Reads regular expressions in RE2's syntax, which has nothing that would make a matcher go back."""

import re
from dataclasses import dataclass, replace

from pipelines.expressions.errors import ExpressionError
from pipelines.expressions.patterns import (
    CLASSES,
    CONTROLS,
    EDGES,
    NAMED,
    Edge,
    Either,
    InOrder,
    Letters,
    Part,
    Ranges,
    Repeat,
    outside,
)
from pipelines.nodes import quoted

_MAX_NESTING = 50
_MAX_REPEAT = 1000
_LINE_FEED: Ranges = (("\n", "\n"),)
_SIGNS: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_LINE_EDGES = {"^": Edge.LINE_START, "$": Edge.LINE_END}
_TEXT_EDGES = {"^": Edge.TEXT_START, "$": Edge.TEXT_END}
_COUNT = re.compile(r"\{(\d{1,4})(,(\d{0,4}))?\}")
_NAMED_GROUP = re.compile(r"P?<\w+>")
_FLAGS = re.compile(r"([imsU]*)(?:-([imsU]+))?")
_CODE = re.compile(r"x([0-9a-fA-F]{2})|x\{([0-9a-fA-F]{1,6})\}")
_NAMED_CLASS = re.compile(r"\[:(\^?)([a-z]+):\]")


@dataclass(frozen=True, slots=True)
class _Flags:
    """`(?i)`, `(?m)`, `(?s)`; `(?U)` changes what is found, not whether."""

    i: bool = False
    m: bool = False
    s: bool = False
    U: bool = False


def read_pattern(pattern: str) -> Part:
    """What a regular expression is made of. Raises ExpressionError if it is malformed."""
    return _Reader(pattern).whole()


class _Reader:
    """Reads a pattern from left to right."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._flags = _Flags()

    def whole(self) -> Part:
        """The pattern up to its end."""
        part = self._alternatives(0)
        if self._next:
            raise self._error("has a ) without its (")
        return part

    def _error(self, what: str, hint: str = "") -> ExpressionError:
        return ExpressionError(f"has the pattern {quoted(self._pattern)}, which {what}", hint)

    @property
    def _next(self) -> str:
        """The next character, or `""` at the end."""
        return self._pattern[self._at : self._at + 1]

    def _take(self) -> str:
        self._at += 1
        return self._pattern[self._at - 1 : self._at]

    def _took(self, text: str) -> bool:
        """True if this is what follows, which is then done with."""
        found = self._pattern.startswith(text, self._at)
        self._at += len(text) if found else 0
        return found

    def _matched(self, form: re.Pattern[str]) -> re.Match[str] | None:
        """What follows, if it has this form, which is then done with."""
        found = form.match(self._pattern, self._at)
        self._at = found.end() if found else self._at
        return found

    def _alternatives(self, depth: int) -> Part:
        if depth > _MAX_NESTING:
            raise self._error(f"has more than {_MAX_NESTING} groups inside each other")
        options = [self._in_order(depth)]
        while self._took("|"):
            options.append(self._in_order(depth))
        return options[0] if len(options) == 1 else Either(tuple(options))

    def _in_order(self, depth: int) -> InOrder:
        parts: list[Part] = []
        while self._next and self._next not in "|)":
            parts.append(self._repeated(self._part(depth)))
        return InOrder(tuple(parts))

    def _repeated(self, part: Part) -> Part:
        bounds = self._bounds()
        if bounds is None:
            return part
        self._took("?")  # how greedy it is changes what is found, not whether
        if self._bounds() is not None:
            raise self._error("repeats a repetition")
        return Repeat(part, *bounds)

    def _bounds(self) -> tuple[int, int | None] | None:
        if self._next in _SIGNS:
            return _SIGNS[self._take()]
        count = self._matched(_COUNT)
        if count is None:
            return None  # any other { is a character like others
        low = int(count[1])
        high = int(count[3]) if count[3] else None if count[2] else low
        if max(low, high or 0) > _MAX_REPEAT or (high is not None and high < low):
            raise self._error(f"has the repetition {count[0]}", f"count up to {_MAX_REPEAT}, the lower number first")
        return low, high

    def _part(self, depth: int) -> Part:
        match self._take():
            case "(":
                return self._group(depth)
            case "[":
                return self._class()
            case ".":
                return Letters(() if self._flags.s else _LINE_FEED, negated=True)
            case "^" | "$" as sign:
                return _LINE_EDGES[sign] if self._flags.m else _TEXT_EDGES[sign]
            case "\\":
                return self._escaped()
            case "*" | "+" | "?" as sign:
                raise self._error(f"has a {sign} with nothing to repeat")
            case character:
                return self._letters(((character, character),))

    def _letters(self, ranges: Ranges, *, negated: bool = False) -> Letters:
        return Letters(ranges, negated=negated, folds=self._flags.i)

    def _group(self, depth: int) -> Part:
        before = self._flags
        if self._took("?") and not self._matched(_NAMED_GROUP):
            self._set_flags()
            if self._took(")"):
                return InOrder(())  # the flags hold up to the end of the group around them
            if not self._took(":"):
                raise self._error("has a (? that begins no group", "look-ahead and look-behind are not supported")
        part = self._alternatives(depth + 1)
        if not self._took(")"):
            raise self._error("has a ( without its )")
        self._flags = before
        return part

    def _set_flags(self) -> None:
        if (found := self._matched(_FLAGS)) is not None:
            self._flags = replace(self._flags, **dict.fromkeys(found[1], True), **dict.fromkeys(found[2] or "", False))

    def _escaped(self) -> Part:
        if self._next in EDGES and self._next:
            return EDGES[self._take()]
        if self._next in CLASSES and self._next:
            return self._letters(CLASSES[self._take()])
        character = self._escaped_character()
        return self._letters(((character, character),))

    def _escaped_character(self) -> str:
        if (code := self._matched(_CODE)) is not None:
            number = int(code[1] or code[2], 16)
            if number > 0x10FFFF:
                raise self._error(f"has the code \\{code[0]}, which is no character")
            return chr(number)
        letter = self._take()
        if letter in CONTROLS:
            return CONTROLS[letter]
        if not letter:
            raise self._error("ends in a lone \\")
        if letter.isalnum() or not letter.isascii():
            raise self._error(f"has the escape \\{letter}, which is not supported")
        return letter

    def _class(self) -> Letters:
        negated = self._took("^")
        ranges = self._item()
        while self._next and self._next != "]":
            ranges += self._item()
        if not self._took("]"):
            raise self._error("has a [ without its ]")
        return self._letters(ranges, negated=negated)

    def _item(self) -> Ranges:
        """One character, range or class between brackets."""
        if (named := self._matched(_NAMED_CLASS)) is not None:
            return self._named(named[2], is_negated=bool(named[1]))
        low = self._take()
        if low == "\\" and self._next in CLASSES and self._next:
            return CLASSES[self._take()]
        low = self._escaped_character() if low == "\\" else low
        if not (self._next == "-" and self._pattern[self._at + 1 : self._at + 2] not in ("]", "")):
            return ((low, low),)
        self._take()
        high = self._take()
        high = self._escaped_character() if high == "\\" else high
        if high < low:
            raise self._error(f"has the range {low}-{high}, which runs backwards")
        return ((low, high),)

    def _named(self, name: str, *, is_negated: bool) -> Ranges:
        if name not in NAMED:
            raise self._error(f"has the class [:{name}:], which nobody knows")
        return outside(NAMED[name]) if is_negated else NAMED[name]
