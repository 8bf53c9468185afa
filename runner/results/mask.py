"""Mask: hides secrets in a stream of bytes, wherever it happens to be split.

DESIGN. A match is final once no longer pattern could still begin at or before its start, so only the longest tail
that begins some pattern is held back. Most chunks hold no secret: a plain search for each pattern is ten times
faster than one regular expression for all, so the expression runs only on chunks that a search has found guilty.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable

HIDDEN = "********"
_HIDDEN = HIDDEN.encode()
_SHORTEST = 4  # characters: shorter values would hide half of every log


class Mask:
    """The secrets of a job. Makes a MaskedStream for each output."""

    def __init__(self, values: Iterable[str]) -> None:
        self.patterns = tuple(sorted(_patterns(values)))
        longest_first = sorted(self.patterns, key=len, reverse=True)
        self._expression = re.compile(b"|".join(map(re.escape, longest_first)) or b"(?!)")
        heads = {pattern[:_SHORTEST] for pattern in self.patterns}
        self._heads = re.compile(b"(?=" + b"|".join(map(re.escape, sorted(heads))) + b")") if heads else None
        self._longest = max(map(len, self.patterns), default=0)

    def hide(self, text: str) -> str:
        """A whole text with the secrets hidden, such as the reason of an error."""
        return self.substitute(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")

    def substitute(self, data: bytes) -> bytes:
        """The data with every secret in it hidden: the leftmost first, of several there the longest."""
        if any(pattern in data for pattern in self.patterns):
            return self._expression.sub(_HIDDEN, data)
        return data

    def split(self, data: bytes) -> tuple[bytes, bytes]:
        """What of the data can be shown now, hidden, and the tail that must wait for more."""
        if not self.patterns:
            return data, b""
        held = self._tail_start(data, 0)
        if not any(pattern in data for pattern in self.patterns):
            return data[:held], data[held:]
        shown: list[bytes] = []
        position = 0
        for match in self._expression.finditer(data):
            if match.start() >= held:
                break
            shown += [data[position : match.start()], _HIDDEN]
            position = match.end()
            if position > held:
                held = self._tail_start(data, position)
        shown.append(data[position:held])
        return b"".join(shown), data[held:]

    def _tail_start(self, data: bytes, position: int) -> int:
        """Where the longest tail after `position` starts that begins a pattern without being all of it."""
        earliest = max(position, len(data) - self._longest + 1)
        if self._heads is not None:
            for match in self._heads.finditer(data, earliest):
                if self._begins_pattern(data[match.start() :]):
                    return match.start()
        for start in range(max(earliest, len(data) - _SHORTEST + 1), len(data)):
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
        """What was held back, now that nothing more comes."""
        tail, self._tail = self._tail, b""
        return self._mask.substitute(tail)


def _patterns(values: Iterable[str]) -> set[bytes]:
    """What to look for: each value and each of its lines, if longer than three characters."""
    texts = {text for value in values for text in (value, value.strip(), *value.splitlines(), *value.split("\n"))}
    texts |= {text.strip() for text in texts}
    return {text.encode("utf-8", "surrogateescape") for text in texts if len(text) >= _SHORTEST}
