"""Output: a step's raw bytes become log chunks of whole lines.

DESIGN. Never one Python object a line on the way in: whole lines are gathered as bytes, decoded and split once a
chunk. A chunk holds lines of one stream that one command printed, so a change of either ends it. The echo of a
command (`+ make`, printed by our script) tells which command prints: the next one is searched for in each chunk.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pipelines.records import Stream
from runner.results.mask import Mask, MaskedStream

CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Whole lines of one stream. `line` is the number of the first, from 1, over all streams of the step."""

    stream: Stream
    line: int
    lines: tuple[str, ...]
    command: int | None


class LineCutter:
    """Takes the bytes of one step and gives Chunks of at most 64 KiB. Not thread-safe: its owner locks.

    `echoes` are the lines that announce each command, in order. Carriage returns stay in their line, bytes that are
    not UTF-8 become U+FFFD, and a line longer than 64 KiB is cut into several.
    """

    def __init__(self, emit: Callable[[Chunk], None], mask: Mask, echoes: tuple[str, ...] = ()) -> None:
        self._emit = emit
        self._masked = {stream: MaskedStream(mask) for stream in Stream}
        self._partial = dict.fromkeys(Stream, b"")
        self._echoes = tuple(mask.hide(echo) for echo in echoes)
        self._command: int | None = None
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._held_stream = Stream.STDOUT
        self._next_line = 1

    @property
    def holds_lines(self) -> bool:
        """True if a flush would give something."""
        return bool(self._held)

    def write(self, stream: Stream, data: bytes) -> None:
        """Take the next bytes of a stream."""
        self._take(stream, self._masked[stream].feed(data))

    def flush(self) -> None:
        """Give the whole lines that are held. A line that has no end yet stays."""
        if self._held:
            text = b"\n".join(self._held).decode("utf-8", "replace")
            self._held, self._held_bytes = [], 0
            self._give_by_command(text.split("\n"))

    def finish(self) -> None:
        """Give all that is left, also a last line without a newline."""
        for stream in Stream:
            self._take(stream, self._masked[stream].finish())
            partial, self._partial[stream] = self._partial[stream], b""
            if partial:
                self._hold(stream, partial)
        self.flush()

    def _take(self, stream: Stream, data: bytes) -> None:
        data = self._partial[stream] + data
        while len(data) > CHUNK_BYTES:
            end = data.rfind(b"\n", 0, CHUNK_BYTES + 1)
            if end < 0:
                end = _character_boundary(data, CHUNK_BYTES)
            self._hold(stream, data[:end])
            data = data[end:].removeprefix(b"\n")
        end = data.rfind(b"\n")
        if end >= 0:
            self._hold(stream, data[:end])
            data = data[end + 1 :]
        self._partial[stream] = data

    def _hold(self, stream: Stream, lines: bytes) -> None:
        if stream is not self._held_stream or self._held_bytes + len(lines) > CHUNK_BYTES:
            self.flush()
            self._held_stream = stream
        self._held.append(lines)
        self._held_bytes += len(lines) + 1
        if self._held_bytes >= CHUNK_BYTES:
            self.flush()

    def _give_by_command(self, lines: list[str]) -> None:
        while (at := self._find_next_echo(lines)) is not None:
            self._give(lines[:at])
            lines = lines[at:]
            self._command = self._next_command
        self._give(lines)

    def _find_next_echo(self, lines: list[str]) -> int | None:
        """Where in `lines` the next command announces itself."""
        if self._held_stream is not Stream.STDOUT or self._next_command >= len(self._echoes):
            return None
        echo = self._echoes[self._next_command]
        return lines.index(echo) if echo in lines else None

    @property
    def _next_command(self) -> int:
        return 0 if self._command is None else self._command + 1

    def _give(self, lines: list[str]) -> None:
        if not lines:
            return
        command = None if self._held_stream is Stream.SYSTEM else self._command
        line, self._next_line = self._next_line, self._next_line + len(lines)
        self._emit(Chunk(stream=self._held_stream, line=line, lines=tuple(lines), command=command))


def _character_boundary(data: bytes, position: int) -> int:
    """The last place at or before `position` where a UTF-8 character starts, if one is near."""
    for place in range(position, position - 4, -1):
        if data[place] & 0xC0 != 0x80:
            return place
    return position
