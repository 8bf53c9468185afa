"""Output: a step's raw bytes become log chunks of whole lines.

DESIGN. Never one Python object a line on the way in: whole lines are gathered as bytes, decoded and split once a
chunk. A chunk holds lines of one stream that one command printed, so a change of either ends it. Marks are taken out
first, since a secret could look like a part of one; then the limit applies, to the bytes as the step printed them;
then the mask.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pipelines.records import Stream
from runner.results.marks import Mark, MarkReader
from runner.results.mask import Mask, MaskedStream

CHUNK_BYTES = 64 * 1024
DEFAULT_LIMIT_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Whole lines of one stream. `line` is the number of the first, from 1, over all streams of the step."""

    stream: Stream
    line: int
    lines: tuple[str, ...]
    command: int | None


class LineCutter:
    """Takes the bytes of one step and gives Chunks of at most 64 KiB. Not thread-safe: its owner locks.

    `marks` tells which command printed what, and `on_mark` hears of it. Carriage returns stay in their line, bytes
    that are not UTF-8 become U+FFFD, and a line longer than 64 KiB is cut into several. Once a step has printed
    `limit_bytes`, the log says so and the rest is dropped.
    """

    def __init__(
        self,
        emit: Callable[[Chunk], None],
        mask: Mask,
        *,
        marks: MarkReader | None = None,
        on_mark: Callable[[Stream, Mark], None] = lambda _stream, _mark: None,
        limit_bytes: int = DEFAULT_LIMIT_BYTES,
    ) -> None:
        self._emit = emit
        self._marks = marks or MarkReader(is_expected=False)
        self._on_mark = on_mark
        self._masked = {stream: MaskedStream(mask) for stream in Stream}
        self._limit_bytes = limit_bytes
        self._room_bytes = limit_bytes
        self._is_full = False
        self._partial = dict.fromkeys(Stream, b"")
        self._commands: dict[Stream, int | None] = dict.fromkeys(Stream)
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._held_stream = Stream.STDOUT
        self._next_line = 1

    def begin_anew(self, marks: MarkReader, on_mark: Callable[[Stream, Mark], None]) -> None:
        """From here on comes the output of another attempt, with marks of its own. Lines and limit are counted on."""
        self.finish()
        self._marks, self._on_mark = marks, on_mark
        self._commands = dict.fromkeys(Stream)

    @property
    def holds_lines(self) -> bool:
        """True if a flush would give something."""
        return bool(self._held)

    def write(self, stream: Stream, data: bytes) -> None:
        """Take the next bytes of a stream."""
        for source, piece in self._marks.read(stream, data):
            self._take(source, piece)

    def flush(self) -> None:
        """Give the whole lines that are held. A line that has no end yet stays."""
        if not self._held:
            return
        lines = tuple(b"\n".join(self._held).decode("utf-8", "replace").split("\n"))
        self._held, self._held_bytes = [], 0
        line, self._next_line = self._next_line, self._next_line + len(lines)
        stream = self._held_stream
        self._emit(Chunk(stream=stream, line=line, lines=lines, command=self._commands[stream]))

    def finish(self) -> None:
        """Give all that is left, also a last line without a newline."""
        for stream, piece in self._marks.finish():
            self._take(stream, piece)
        for stream in Stream:
            self._end_line(stream)
        self.flush()

    def _take(self, stream: Stream, piece: bytes | Mark) -> None:
        if isinstance(piece, Mark):
            self._take_mark(stream, piece)
        elif stream is Stream.SYSTEM:
            self._cut(stream, self._masked[stream].feed(piece))
        elif len(piece) <= self._room_bytes:
            self._room_bytes -= len(piece)
            self._cut(stream, self._masked[stream].feed(piece))
        elif not self._is_full:
            self._fill_up(stream, piece)

    def _take_mark(self, stream: Stream, mark: Mark) -> None:
        self._end_line(stream)
        if self._held_stream is stream:
            self.flush()
        self._commands[stream] = mark.command
        self._on_mark(stream, mark)

    def _fill_up(self, stream: Stream, piece: bytes) -> None:
        """Take what there is room for, and say that this was the last."""
        self._cut(stream, self._masked[stream].feed(piece[: self._room_bytes]))
        self._room_bytes, self._is_full = 0, True
        for each in (Stream.STDOUT, Stream.STDERR):
            self._end_line(each)
        text = f"the log has reached its limit of {size_text(self._limit_bytes)}: the rest of the output is not kept"
        self._cut(Stream.SYSTEM, text.encode() + b"\n")

    def _end_line(self, stream: Stream) -> None:
        """Give what has no newline yet as a line."""
        self._cut(stream, self._masked[stream].finish())
        partial, self._partial[stream] = self._partial[stream], b""
        if partial:
            self._hold(stream, partial)

    def _cut(self, stream: Stream, data: bytes) -> None:
        """Hold the whole lines of what can be shown, and keep the rest for later."""
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


def size_text(size_bytes: int) -> str:
    """A size for people, in the largest unit that divides it: `256 MiB`."""
    for unit, factor in (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024)):
        if size_bytes >= factor and size_bytes % factor == 0:
            return f"{size_bytes // factor} {unit}"
    return f"{size_bytes} bytes"


def _character_boundary(data: bytes, position: int) -> int:
    """The last place at or before `position` where a UTF-8 character starts, if one is near."""
    for place in range(position, position - 4, -1):
        if data[place] & 0xC0 != 0x80:
            return place
    return position
