"""Suggestions: the word that an author most likely meant."""

import difflib
from collections.abc import Iterable
from itertools import islice

_LONGEST = 40  # nobody misspells a key into a longer one, and difflib is quadratic
_MOST = 100  # known words looked at: an answer in milliseconds is worth more than one about a thousand steps


def nearest(word: str, known: Iterable[str], *, likeness: float = 0.6) -> str:
    """A hint that names the nearest known word, or `""` if none is near."""
    if len(word) > _LONGEST:
        return ""
    candidates = {name.lower(): name for name in islice(known, _MOST)}
    close = difflib.get_close_matches(word.lower(), candidates, n=1, cutoff=likeness)
    return f"did you mean `{candidates[close[0]]}`?" if close else ""
