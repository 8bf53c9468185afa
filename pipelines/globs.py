"""Globs with doublestar semantics, over a whole text, in time that no pattern can blow up.

`*` and `?` stop at `/`; `**` is special only as a whole segment, and `a/**` matches `a` too; `{a,b}` nests;
`[a-z] [^a] [!a]`; `\\` escapes; dot files are not special.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile

from pipelines.globsegments import Match, matcher
from pipelines.globtokens import STAR, Choice, GlobError, Token, tokens

_MAX_SIZE = 5000
_TOO_LONG = f"has more than {_MAX_SIZE} characters, its alternatives written out"
_SEPARATOR = "/"
_DOUBLESTAR = (STAR, STAR)

_Segment = tuple[Token, ...] | None  # None is `**`


@dataclass(frozen=True, slots=True)
class _Alternative:
    """A pattern without choices. `head` is what each text that matches starts with, which is quick to see.

    `matches` is for each segment what matches it; None for `**`.
    """

    matches: tuple[Match | None, ...]
    head: str


def matches(pattern: str, text: str) -> bool:
    """True if the pattern matches the whole text. A malformed pattern matches nothing."""
    try:
        alternatives = _compiled(pattern)
    except GlobError:
        return False
    possible = [each.matches for each in alternatives if text.startswith(each.head)]
    if not possible:
        return False
    parts = text.split(_SEPARATOR)
    return any(_all_match(segments, parts) for segments in possible)


def complaint(pattern: str) -> str:
    """What is malformed in a pattern, to complete "the glob …"; `""` for a good one."""
    try:
        _compiled(pattern)
    except GlobError as error:
        return str(error)
    return ""


@lru_cache(maxsize=1024)
def size(pattern: str) -> int:
    """What a pattern costs to match: how many characters it has, its alternatives written out; 0 if it is malformed."""
    try:
        return _extent(_tokens(pattern)).size
    except GlobError:
        return 0


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> tuple[_Alternative, ...]:
    sequence = _tokens(pattern)
    if _extent(sequence).size > _MAX_SIZE:
        raise GlobError(_TOO_LONG)
    different = dict.fromkeys(_segments(flat) for flat in _expanded(sequence))
    return tuple(_Alternative(tuple(map(_match, segments)), _head(segments)) for segments in different)


def _match(segment: _Segment) -> Match | None:
    return None if segment is None else matcher(segment)


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


def _all_match(segments: Sequence[Match | None], parts: Sequence[str]) -> bool:
    """True if the segments, of which None takes any number of parts, take all parts."""
    if segments.count(None) > 1:
        return _any_way_matches(segments, parts)
    if None not in segments:
        return len(parts) == len(segments) and _side_by_side(segments, parts)
    before = segments.index(None)
    after = len(segments) - before - 1
    if before + after > len(parts):
        return False
    rest = parts[len(parts) - after :]
    return _side_by_side(segments[:before], parts[:before]) and _side_by_side(segments[before + 1 :], rest)


def _side_by_side(segments: Sequence[Match | None], parts: Sequence[str]) -> bool:
    return all(match is not None and match(part) for match, part in zip(segments, parts, strict=True))


def _any_way_matches(segments: Sequence[Match | None], parts: Sequence[str]) -> bool:
    """Walk the segments, holding every count of parts that may be used up so far."""
    used = {0}
    for match in segments:
        if match is None:
            used = set(range(min(used), len(parts) + 1))
        else:
            used = {n + 1 for n in used if n < len(parts) and match(parts[n])}
        if not used:
            return False
    return len(parts) in used
