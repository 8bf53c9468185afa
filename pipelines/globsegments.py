"""One segment of a glob: what stands between two `/`, made ready to be matched often.

DESIGN. What stands between two stars takes a number of characters that is known, so that to take it where it first
fits is never wrong and nothing need go back: `str.find` does for letters, an atomic group of `re` for all else.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from pipelines.globtokens import STAR, Class, Token

Match = Callable[[str], bool]
"""Whether a text without `/` is what the segment stands for."""


def matcher(segment: Sequence[Token]) -> Match:
    """The quickest way to match these tokens, none of which is a Choice, that no text can blow up."""
    pieces = _pieces(segment)
    if has_wild(segment):
        expression = _expression(pieces)
        return lambda text: _regular(expression).fullmatch(text) is not None
    return _of_letters(["".join(map(str, piece)) for piece in pieces])


def has_wild(segment: Sequence[Token]) -> bool:
    """True if it has anything but letters and stars."""
    return not all(isinstance(token, str) or token == STAR for token in segment)


def _pieces(segment: Sequence[Token]) -> list[list[Token]]:
    """What stands before, between and behind the stars."""
    pieces: list[list[Token]] = [[]]
    for token in segment:
        if token == STAR:
            pieces.append([])
        else:
            pieces[-1].append(token)
    return pieces


def _of_letters(pieces: list[str]) -> Match:
    if len(pieces) == 1:
        return pieces[0].__eq__
    head, *middle, tail = pieces
    shortest = len(head) + len(tail)

    def match(text: str) -> bool:
        if len(text) < shortest or not text.startswith(head) or not text.endswith(tail):
            return False
        return not middle or _in_order(middle, text, len(head), len(text) - len(tail))

    return match


def _in_order(pieces: Sequence[str], text: str, at: int, end: int) -> bool:
    for piece in pieces:
        at = text.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True


@lru_cache(maxsize=1024)
def _regular(expression: str) -> re.Pattern[str]:
    """Compiled when the first text comes, which is late: it takes longer than all else."""
    return re.compile(expression, re.DOTALL)


def _expression(pieces: list[list[Token]]) -> str:
    head, *others = ("".join(map(_one, piece)) for piece in pieces)
    if not others:
        return head
    *middle, tail = others
    return head + "".join(f"(?>.*?{piece})" for piece in middle) + f".*{tail}"


def _one(token: Token) -> str:
    """A regular expression for one token, which takes one character."""
    if isinstance(token, str):
        return re.escape(token)
    if isinstance(token, Class):
        ranges = "".join(f"{re.escape(low)}-{re.escape(high)}" for low, high in token.ranges if low <= high)
        if not ranges:
            return "." if token.negated else "(?!)"
        return f"[{'^' if token.negated else ''}{ranges}]"
    return "."
