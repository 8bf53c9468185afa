"""The parts of a regular expression, and what its letters stand for."""

from dataclasses import dataclass
from enum import Enum

Ranges = tuple[tuple[str, str], ...]
"""Characters by their first and last ones, both of them within."""

LAST = "\U0010ffff"


class Edge(Enum):
    """A place between characters."""

    TEXT_START = "\\A"
    TEXT_END = "\\z"
    LINE_START = "^"
    LINE_END = "$"
    WORD = "\\b"
    NO_WORD = "\\B"


@dataclass(frozen=True, slots=True)
class Letters:
    """One character within these ranges; outside them if `negated`; in either case of letters with `folds`."""

    ranges: Ranges
    negated: bool = False
    folds: bool = False

    def take(self, character: str) -> bool:
        """True for such a character."""
        forms = {character, character.lower(), character.upper()} if self.folds else (character,)
        return self.negated != any(low <= form <= high for form in forms for low, high in self.ranges)


@dataclass(frozen=True, slots=True)
class InOrder:
    """One after another."""

    parts: tuple["Part", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Any one of these."""

    options: tuple["Part", ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """At least `low` times; at most `high` times, or without end if that is None."""

    part: "Part"
    low: int
    high: int | None


Part = Letters | Edge | InOrder | Either | Repeat

_DIGITS: Ranges = (("0", "9"),)
_UPPER: Ranges = (("A", "Z"),)
_LOWER: Ranges = (("a", "z"),)
WORD_LETTERS: Ranges = (*_DIGITS, *_UPPER, ("_", "_"), *_LOWER)


def outside(ranges: Ranges) -> Ranges:
    """All other characters."""
    gaps, start = [], 0
    for low, high in sorted(ranges):
        if start < ord(low):
            gaps.append((chr(start), chr(ord(low) - 1)))
        start = max(start, ord(high) + 1)
    return (*gaps, (chr(start), LAST)) if start <= ord(LAST) else tuple(gaps)


_SPACES: Ranges = (("\t", "\n"), ("\f", "\r"), (" ", " "))
CLASSES: dict[str, Ranges] = {
    "d": _DIGITS,
    "D": outside(_DIGITS),
    "s": _SPACES,
    "S": outside(_SPACES),
    "w": WORD_LETTERS,
    "W": outside(WORD_LETTERS),
}
"""What `\\d` and the like stand for, by the letter."""

NAMED: dict[str, Ranges] = {
    "alnum": (*_DIGITS, *_UPPER, *_LOWER),
    "alpha": (*_UPPER, *_LOWER),
    "blank": (("\t", "\t"), (" ", " ")),
    "digit": _DIGITS,
    "lower": _LOWER,
    "punct": (("!", "/"), (":", "@"), ("[", "`"), ("{", "~")),
    "space": (("\t", "\r"), (" ", " ")),
    "upper": _UPPER,
    "word": WORD_LETTERS,
    "xdigit": (*_DIGITS, ("A", "F"), ("a", "f")),
}
"""What `[[:alpha:]]` and the like stand for, by the name."""

EDGES = {"A": Edge.TEXT_START, "z": Edge.TEXT_END, "b": Edge.WORD, "B": Edge.NO_WORD}
CONTROLS = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
