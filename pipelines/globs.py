"""Globs with doublestar semantics, over a whole text, in time that no pattern can blow up.

`*` and `?` stop at `/`; `**` is special only as a whole segment, and `a/**` matches `a` too; `{a,b}` nests;
`[a-z] [^a] [!a]`; `\\` escapes; dot files are not special.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from pipelines.globtokens import STAR, Choice, Class, GlobError, Token, tokens

_MAX_SIZE = 5000
_TOO_LONG = f"has more than {_MAX_SIZE} characters, its alternatives written out"
_SEPARATOR = "/"
_DOUBLESTAR = (STAR, STAR)

_Segment = tuple[Token, ...] | None  # None is `**`


def matches(pattern: str, text: str) -> bool:
    """True if the pattern matches the whole text. A malformed pattern matches nothing."""
    try:
        alternatives = _compiled(pattern)
    except GlobError:
        return False
    parts = text.split(_SEPARATOR)
    return any(_segments_match(segments, parts) for segments in alternatives)


def complaint(pattern: str) -> str:
    """What is malformed in a pattern, to complete "the glob …"; `""` for a good one."""
    try:
        _compiled(pattern)
    except GlobError as error:
        return str(error)
    return ""


def size(pattern: str) -> int:
    """What a pattern costs to match: how many characters it has, its alternatives written out; 0 if it is malformed."""
    try:
        return _extent(_tokens(pattern)).size
    except GlobError:
        return 0


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> tuple[tuple[_Segment, ...], ...]:
    sequence = _tokens(pattern)
    if _extent(sequence).size > _MAX_SIZE:
        raise GlobError(_TOO_LONG)
    return tuple(dict.fromkeys(_segments(flat) for flat in _expanded(sequence)))


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


def _segments_match(segments: tuple[_Segment, ...], parts: list[str]) -> bool:
    """Walk the segments, holding every count of parts that may be used up so far."""
    used = {0}
    for segment in segments:
        if segment is None:
            used = set(range(min(used), len(parts) + 1))
        else:
            used = {n + 1 for n in used if n < len(parts) and _part_matches(segment, parts[n])}
        if not used:
            return False
    return len(parts) in used


def _part_matches(segment: tuple[Token, ...], part: str) -> bool:
    """Walk the tokens, holding every count of characters that may be used up so far."""
    used = {0}
    for token in segment:
        if token == STAR:
            used = set(range(min(used), len(part) + 1))
        else:
            used = {n + 1 for n in used if n < len(part) and _character_matches(token, part[n])}
        if not used:
            return False
    return len(part) in used


def _character_matches(token: Token, character: str) -> bool:
    match token:
        case str():
            return token == character
        case Class():
            return token.matches(character)
        case _:
            return True
