"""Globs with doublestar semantics, over a whole text, in time that no pattern can blow up.

`*` and `?` stop at `/`; `**` is special only as a whole segment, and `a/**` matches `a` too; `{a,b}` nests;
`[a-z] [^a] [!a]`; `\\` escapes; dot files are not special.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile

from pipelines.globsegments import Match, has_wild, matcher
from pipelines.globtokens import STAR, Choice, GlobError, Token, tokens

_MAX_SIZE = 5000
_TOO_LONG = f"has more than {_MAX_SIZE} characters, its alternatives written out"
_SEPARATOR = "/"
_DOUBLESTAR = (STAR, STAR)

_Segment = tuple[Token, ...] | None  # None is `**`
_Group = tuple[Match, ...]


@dataclass(frozen=True, slots=True)
class _Alternative:
    """A pattern without choices. `head` is what each text that matches starts with, which is quick to see.

    `groups` has what matches its segments; between two groups stands a `**`.
    """

    groups: tuple[_Group, ...]
    head: str


@dataclass(frozen=True, slots=True)
class Glob:
    """A pattern made ready. `size` is how many characters it has, its alternatives written out.

    `complaint` says what is malformed, to complete "the glob …"; `slow` is how many of the characters may be looked
    at again for each one of a text.
    """

    alternatives: tuple[_Alternative, ...] = ()
    size: int = 0
    slow: int = 0
    complaint: str = ""

    def matches(self, text: str) -> bool:
        """True if the pattern matches the whole text. A malformed one matches nothing."""
        possible = [each.groups for each in self.alternatives if text.startswith(each.head)]
        if not possible:
            return False
        parts = text.split(_SEPARATOR)
        return any(_all_match(groups, parts) for groups in possible)

    def effort(self, text: str) -> int:
        """What it may cost to match a text, in units of a short pattern."""
        return 1 + self.size // 20 + self.slow * len(text) // 500


@lru_cache(maxsize=2048)
def glob(pattern: str) -> Glob:
    """The pattern, made ready, or what is malformed in it."""
    try:
        sequence = _tokens(pattern)
    except GlobError as error:
        return Glob(complaint=str(error))
    size = _extent(sequence).size
    if size > _MAX_SIZE:
        return Glob(size=size, complaint=_TOO_LONG)
    different = tuple(dict.fromkeys(_segments(flat) for flat in _expanded(sequence)))
    alternatives = tuple(_Alternative(_groups(segments), _head(segments)) for segments in different)
    return Glob(alternatives, size, sum(map(_slow, different)))


def matches(pattern: str, text: str) -> bool:
    """True if the pattern matches the whole text. A malformed pattern matches nothing."""
    return glob(pattern).matches(text)


def _groups(segments: Sequence[_Segment]) -> tuple[_Group, ...]:
    groups: list[list[Match]] = [[]]
    for segment in segments:
        if segment is None:
            groups.append([])
        else:
            groups[-1].append(matcher(segment))
    return tuple(map(tuple, groups))


def _slow(segments: Sequence[_Segment]) -> int:
    """Characters that are not just letters and stars, or that may stand at many places: between two `**`."""
    known = [segment for segment in segments if segment is not None]
    if len(segments) - len(known) > 1:
        return sum(map(len, known))
    return sum(len(segment) for segment in known if has_wild(segment))


def _tokens(pattern: str) -> tuple[Token, ...]:
    if len(pattern) > _MAX_SIZE:
        raise GlobError(_TOO_LONG)
    return tokens(pattern)


@dataclass(frozen=True, slots=True)
class _Extent:
    """How many alternatives a token list stands for, and how many tokens they have together."""

    count: int
    size: int


def _extent(sequence: Sequence[Token]) -> _Extent:
    """The extent of a token list, without writing anything out."""
    count, size = 1, 0
    for token in sequence:
        options = [_extent(option) for option in token.options] if isinstance(token, Choice) else [_Extent(1, 1)]
        more = sum(option.count for option in options)
        count, size = count * more, size * more + count * sum(option.size for option in options)
    return _Extent(count, size)


def _expanded(sequence: Sequence[Token]) -> list[tuple[Token, ...]]:
    """The token lists without choices that a token list stands for, as if each were written out."""
    results: list[tuple[Token, ...]] = [()]
    for token in sequence:
        options: list[tuple[Token, ...]] = [(token,)] if not isinstance(token, Choice) else []
        if isinstance(token, Choice):
            options = [flat for option in token.options for flat in _expanded(option)]
        results = [head + tail for head in results for tail in options]
    return results


def _segments(flat: tuple[Token, ...]) -> tuple[_Segment, ...]:
    parts: list[list[Token]] = [[]]
    for token in flat:
        if token == _SEPARATOR:
            parts.append([])
        else:
            parts[-1].append(token)
    return tuple(None if tuple(part) == _DOUBLESTAR else tuple(part) for part in parts)


def _head(segments: tuple[_Segment, ...]) -> str:
    """The letters that a text must start with: those up to the first token that may stand for something else.

    The separator before a `**` is not among them, for `a/**` matches `a`.
    """
    head = ""
    for number, segment in enumerate(segments):
        if segment is None:
            break
        letters = list(takewhile(lambda token: isinstance(token, str), segment))
        head += (_SEPARATOR if number else "") + "".join(map(str, letters))
        if len(letters) < len(segment):
            break
    return head


def _all_match(groups: Sequence[_Group], parts: Sequence[str]) -> bool:
    """True if the groups take all parts, with any number of parts between two groups."""
    if len(groups) == 1:
        return len(parts) == len(groups[0]) and _match_here(groups[0], parts, 0)
    first, *middle, last = groups
    end = len(parts) - len(last)
    if end < len(first) or not _match_here(first, parts, 0) or not _match_here(last, parts, end):
        return False
    return not middle or _in_order(middle, parts, len(first), end)


def _in_order(groups: Iterable[_Group], parts: Sequence[str], at: int, end: int) -> bool:
    """Each group where it first fits, which is never wrong: it takes as many parts wherever that is."""
    for group in groups:
        places = range(at, end - len(group) + 1)
        found = next((place for place in places if _match_here(group, parts, place)), None)
        if found is None:
            return False
        at = found + len(group)
    return True


def _match_here(group: _Group, parts: Sequence[str], at: int) -> bool:
    for number, match in enumerate(group, at):  # noqa: SIM110 (this is where the time goes: no generator)
        if not match(parts[number]):
            return False
    return True
