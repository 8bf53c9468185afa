"""Mask: hides secrets in a stream of bytes, wherever it happens to be split.

DESIGN. One automaton finds all patterns in a single pass: 20 secrets have some 200 forms, and a search for each would
be ten times slower. A match is final once no longer pattern could still begin at or before its start, so only the
longest tail that begins some pattern is held back.
"""

from bisect import bisect_left
from collections.abc import Iterable

from ahocorasick_rs import BytesAhoCorasick, Implementation, MatchKind

from runner.results.secretforms import SHORTEST, forms_of

HIDDEN = "********"
_HIDDEN = HIDDEN.encode()
# The fastest automaton takes up to a kilobyte for each byte of its patterns.
_FAST_UP_TO_BYTES = 24 * 1024


class Mask:
    """The secrets of a job. Makes a MaskedStream for each output."""

    def __init__(self, values: Iterable[str]) -> None:
        self.patterns = tuple(sorted({form for value in values for form in forms_of(value)}))
        self._longest = max(map(len, self.patterns), default=0)
        self._whole = _automaton(self.patterns, MatchKind.LeftmostLongest)
        self._heads = _automaton(sorted({pattern[:SHORTEST] for pattern in self.patterns}), MatchKind.Standard)

    def hide(self, text: str) -> str:
        """A whole text with the secrets hidden, such as the reason of an error."""
        return self.substitute(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")

    def substitute(self, data: bytes) -> bytes:
        """The data with every secret in it hidden: the leftmost first, of several there the longest."""
        shown: list[bytes] = []
        position = 0
        for _, start, end in self._whole.find_matches_as_indexes(data):
            shown += [data[position:start], _HIDDEN]
            position = end
        return b"".join([*shown, data[position:]]) if shown else data

    def split(self, data: bytes) -> tuple[bytes, bytes]:
        """What of the data can be shown now, hidden, and the tail that must wait for more."""
        if not self.patterns:
            return data, b""
        held = self._tail_start(data, 0)
        shown: list[bytes] = []
        position = 0
        for _, start, end in self._whole.find_matches_as_indexes(data):
            if start >= held:
                break
            shown += [data[position:start], _HIDDEN]
            position = end
            if position > held:
                held = self._tail_start(data, position)
        if not shown:
            return (data, b"") if held == len(data) else (data[:held], data[held:])
        shown.append(data[position:held])
        return b"".join(shown), data[held:]

    def _tail_start(self, data: bytes, position: int) -> int:
        """Where the longest tail after `position` starts that begins a pattern without being all of it."""
        earliest = max(position, len(data) - self._longest + 1)
        for _, start, _ in self._heads.find_matches_as_indexes(data[earliest:], overlapping=True):
            if self._begins_pattern(data[earliest + start :]):
                return earliest + start
        for start in range(max(earliest, len(data) - SHORTEST + 1), len(data)):
            if self._begins_pattern(data[start:]):
                return start
        return len(data)

    def _begins_pattern(self, tail: bytes) -> bool:
        """True if a pattern starts with `tail` and is longer. Patterns that do so follow it in sorted order."""
        index = bisect_left(self.patterns, tail)
        if index < len(self.patterns) and self.patterns[index] == tail:
            index += 1
        return index < len(self.patterns) and self.patterns[index].startswith(tail)


class MaskedStream:
    """One output under a Mask."""

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self._tail = b""

    def feed(self, data: bytes) -> bytes:
        """What can be shown now that `data` has come."""
        shown, self._tail = self._mask.split(self._tail + data if self._tail else data)
        return shown

    def finish(self) -> bytes:
        """What was held back, now that nothing more comes. The stream may go on afterwards."""
        tail, self._tail = self._tail, b""
        return self._mask.substitute(tail)


def _automaton(patterns: Iterable[bytes], kind: MatchKind) -> BytesAhoCorasick:
    patterns = list(patterns)
    is_small = sum(map(len, patterns)) <= _FAST_UP_TO_BYTES
    return BytesAhoCorasick(patterns, kind, Implementation.DFA if is_small else Implementation.ContiguousNFA)
