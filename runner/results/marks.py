"""Marks: what our script prints between commands, found in a step's raw output and taken out of it.

DESIGN. Only the nonce makes a mark (see `runner/script.py`), and only the script knows it: the first line of standard
output tells it, before anything else can run. What standard error brings earlier waits for that line. Once it is
known, a search for one byte string a piece is all that marks cost.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.records import Stream
from runner.script import RECORD_SEPARATOR

_START = RECORD_SEPARATOR.encode()
_ANNOUNCEMENT = re.compile(re.escape(_START) + rb"headrace ([0-9a-f-]{32,})?\n")
_LONGEST_ANNOUNCEMENT = 128  # bytes
_LONGEST_EARLY_ERRORS = 1024 * 1024  # bytes
_NUMBERS = re.compile(rb"(\d{1,9}) (\d{1,3})\n")
_LONGEST_NUMBERS = 14  # bytes


@dataclass(frozen=True, slots=True)
class Mark:
    """The command with this index, from 0, begins; what ran before it ended with `exit_code`."""

    command: int
    exit_code: int


class MarkReader:
    """Takes the bytes of one step as they come and gives them on in order, each mark as a Mark.

    With `is_expected` false the output isn't our script's, and nothing in it is a mark.
    """

    def __init__(self, *, is_expected: bool) -> None:
        self._is_announced = not is_expected
        self._prefix = b""
        self._held = dict.fromkeys(Stream, b"")

    def read(self, stream: Stream, data: bytes) -> Iterator[tuple[Stream, bytes | Mark]]:
        """Take the next bytes of a stream."""
        if stream is Stream.SYSTEM or (self._is_announced and not self._prefix):
            yield stream, data
            return
        if self._held[stream]:
            data, self._held[stream] = self._held[stream] + data, b""
        if self._is_announced:
            for piece in self._marks_in(stream, data):
                yield stream, piece
        else:
            self._held[stream] = data
            yield from self._announced()

    def finish(self) -> Iterator[tuple[Stream, bytes | Mark]]:
        """Give what was held back, now that nothing more comes."""
        for stream, data in self._held.items():
            if data:
                yield stream, data
                self._held[stream] = b""

    def _announced(self) -> Iterator[tuple[Stream, bytes | Mark]]:
        """What was held back, once it is known whether there is a nonce."""
        first = self._held[Stream.STDOUT][:_LONGEST_ANNOUNCEMENT]
        announcement = _ANNOUNCEMENT.match(first)
        could_come = first[:1] in (b"", _START) and b"\n" not in first and len(first) < _LONGEST_ANNOUNCEMENT
        if not announcement and could_come and len(self._held[Stream.STDERR]) < _LONGEST_EARLY_ERRORS:
            return
        self._is_announced = True
        if announcement:
            self._held[Stream.STDOUT] = self._held[Stream.STDOUT][announcement.end() :]
            self._prefix = _START + announcement[1] + b" " if announcement[1] else b""
        early, self._held = self._held, dict.fromkeys(Stream, b"")
        for stream, data in early.items():
            if data:
                yield from self.read(stream, data)

    def _marks_in(self, stream: Stream, data: bytes) -> Iterator[bytes | Mark]:
        position = 0
        while (start := data.find(self._prefix, position)) >= 0:
            numbers = _NUMBERS.match(data, start + len(self._prefix))
            end = numbers.end() if numbers else start + len(self._prefix)
            if not numbers and len(data) - end < _LONGEST_NUMBERS:
                break  # the rest of it may still come
            if numbers:
                if start > position:
                    yield data[position:start]
                yield Mark(int(numbers[1]), int(numbers[2]))
            else:
                yield data[position:end]
            position = end
        held = start if start >= 0 else self._tail_start(data, position)
        self._held[stream] = data[held:]
        if held > position:
            yield data[position:held]

    def _tail_start(self, data: bytes, position: int) -> int:
        """Where a tail starts that may become a mark."""
        start = data.rfind(_START, max(position, len(data) - len(self._prefix)))
        return start if start >= 0 and self._prefix.startswith(data[start:]) else len(data)
