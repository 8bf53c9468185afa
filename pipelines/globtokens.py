"""The tokens of a glob: what each character of a pattern means."""

from collections.abc import Sequence
from dataclasses import dataclass

_CLASS_END = "]"
_MAX_NESTING = 20


@dataclass(frozen=True, slots=True)
class Wildcard:
    """`*` or `?`, by what it stands for."""

    many: bool


@dataclass(frozen=True, slots=True)
class Class:
    """`[a-z]`: one character within these ranges; outside them if `negated`."""

    ranges: tuple[tuple[str, str], ...]
    negated: bool

    def matches(self, character: str) -> bool:
        """True if the class takes this character."""
        return self.negated != any(low <= character <= high for low, high in self.ranges)


@dataclass(frozen=True, slots=True)
class Choice:
    """`{a,b}`: any one of these."""

    options: tuple[tuple["Token", ...], ...]


Token = str | Wildcard | Class | Choice
STAR = Wildcard(many=True)
QUESTION = Wildcard(many=False)


class GlobError(ValueError):
    """Raised when a pattern is malformed. Its text completes "the glob …"."""


def tokens(pattern: str, *, has_choices: bool = True) -> tuple[Token, ...]:
    """What the pattern is made of; braces are letters like others without choices. Raises GlobError if malformed."""
    return _Reader(pattern, has_choices=has_choices).sequence(until="", depth=0)


def used_up(sequence: Sequence[Token], text: str) -> set[int]:
    """Every count of characters, from the text's start, that these tokens may stand for. None of them is a Choice."""
    used = {0}
    for token in sequence:
        if token == STAR:
            used = set(range(min(used), len(text) + 1))
        else:
            used = {n + 1 for n in used if n < len(text) and _takes(token, text[n])}
        if not used:
            break
    return used


def _takes(token: Token, character: str) -> bool:
    match token:
        case str():
            return token == character
        case Class():
            return token.matches(character)
        case _:
            return True


class _Reader:
    """Reads a pattern from left to right."""

    def __init__(self, pattern: str, *, has_choices: bool) -> None:
        self._pattern = pattern
        self._has_choices = has_choices
        self._at = 0

    @property
    def _next(self) -> str:
        """The next character, or `""` at the end."""
        return self._pattern[self._at : self._at + 1]

    def _take(self) -> str:
        character = self._next
        self._at += 1
        return character

    def sequence(self, *, until: str, depth: int) -> tuple[Token, ...]:
        """Tokens up to one of the characters `until`, which is left to be read, or to the end."""
        found: list[Token] = []
        while self._next and self._next not in until:
            found.append(self._token(depth))
        return tuple(found)

    def _token(self, depth: int) -> Token:
        match self._take():
            case "*":
                return STAR
            case "?":
                return QUESTION
            case "[":
                return self._class()
            case "{" if self._has_choices:
                return self._choice(depth + 1)
            case "\\":
                return self._escaped()
            case character:
                return character

    def _escaped(self) -> str:
        if not self._next:
            raise GlobError("ends in a lone \\")
        return self._take()

    def _choice(self, depth: int) -> Choice:
        if depth > _MAX_NESTING:
            raise GlobError(f"nests {{}} more than {_MAX_NESTING} deep")
        options = [self.sequence(until=",}", depth=depth)]
        while self._next == ",":
            self._take()
            options.append(self.sequence(until=",}", depth=depth))
        if self._take() != "}":
            raise GlobError("has a { without its }")
        return Choice(tuple(options))

    def _class(self) -> Class:
        negated = self._next != "" and self._next in "^!"
        if negated:
            self._take()
        ranges = [self._range()]
        while self._next and self._next != _CLASS_END:
            ranges.append(self._range())
        if self._take() != _CLASS_END:
            raise GlobError("has a [ without its ]")
        return Class(tuple(ranges), negated)

    def _range(self) -> tuple[str, str]:
        low = self._bound()
        if self._next != "-":
            return low, low
        self._take()
        return low, self._bound()

    def _bound(self) -> str:
        match self._take():
            case "":
                raise GlobError("has a [ without its ]")
            case "]" | "-":
                raise GlobError("has an empty or open range in []")
            case "\\":
                return self._escaped()
            case character:
                return character
