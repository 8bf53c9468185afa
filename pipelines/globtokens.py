"""The tokens of a glob: what each character of a pattern means."""

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


def tokens(pattern: str) -> tuple[Token, ...]:
    """What the pattern is made of. Raises GlobError if it is malformed."""
    return _Reader(pattern).sequence(until="", depth=0)


class _Reader:
    """Reads a pattern from left to right."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
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
            case "{":
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
