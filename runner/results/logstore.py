"""LogStore: the logs of one run on disk, a file a step, so laid out that any page of a huge log opens at once.

DESIGN. `STEP.log` is a row of zstd frames, each holding some chunks of lines as MessagePack. `STEP.index` has 24 bytes
a frame: number of its first line, number of the line after its last, place of its end in the file. A frame is written
first, its index entry after it, so what the index names is there; what isn't (a write torn by a crash) is cut off when
the next line is appended, and readers never look at it. Lines are numbered by their Records, so one that is sent again
is known and dropped. A single instance appends to a step; any number read, also in other processes.
"""

import struct
import threading
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import msgspec
import zstandard

from pipelines.records import Log, Stream
from runner.names import file_name

FRAME_BYTES = 256 * 1024  # of text, before compression
_ENTRY = struct.Struct("<QQQ")


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a step's output. `line` counts from 1 over all its streams, `command` from 0, `attempt` from 1."""

    line: int
    stream: Stream
    time: str
    text: str
    command: int | None = None
    attempt: int = 1


class LogStore:
    """The logs of one run below `root`. Any thread may call it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._writers: dict[Path, _Writer] = {}

    def append(self, log: Log) -> None:
        """Add the lines of a Record that are not there yet. They reach the disk by and by; `flush` makes sure."""
        self._writer(log.job, log.step).append(log)

    def flush(self) -> None:
        """Bring everything appended to the files, where any reader sees it."""
        with self._lock:
            writers = list(self._writers.values())
        for writer in writers:
            writer.flush()

    def finish(self, job: str, step: str) -> None:
        """Flush a step that has ended and forget what was kept in memory for it."""
        with self._lock:
            writer = self._writers.pop(self._path(job, step), None)
        if writer is not None:
            writer.flush()

    def close(self) -> None:
        """Flush and forget all."""
        self.flush()
        with self._lock:
            self._writers.clear()

    def next_line(self, job: str, step: str) -> int:
        """The number that the step's next line will have, so its length plus one."""
        self._flush_step(job, step)
        index = _read_index(self._path(job, step))
        return index[-1].next_line if index else 1

    def read(self, job: str, step: str, *, first_line: int = 1, limit: int = 1000) -> list[LogLine]:
        """At most `limit` lines from `first_line` on; none if there is no such log."""
        self._flush_step(job, step)
        path = self._path(job, step)
        return list(islice(_lines_from(path, _read_index(path), first_line), limit))

    def tail(self, job: str, step: str, *, limit: int = 1000) -> list[LogLine]:
        """The last `limit` lines."""
        return self.read(job, step, first_line=max(1, self.next_line(job, step) - limit), limit=limit)

    def lines(self, job: str, step: str) -> Iterator[LogLine]:
        """The whole log, line by line."""
        self._flush_step(job, step)
        path = self._path(job, step)
        return _lines_from(path, _read_index(path), 1)

    def _flush_step(self, job: str, step: str) -> None:
        with self._lock:
            writer = self._writers.get(self._path(job, step))
        if writer is not None:
            writer.flush()

    def _writer(self, job: str, step: str) -> "_Writer":
        path = self._path(job, step)
        with self._lock:
            writer = self._writers.get(path)
            if writer is None:
                writer = self._writers[path] = _Writer(path)
            return writer

    def _path(self, job: str, step: str) -> Path:
        """The step's files without their suffix."""
        return self._root / file_name(job) / file_name(step)


@dataclass(frozen=True, slots=True)
class _Frame:
    """One entry of an index: lines `first_line` to `next_line - 1` end at byte `end`."""

    first_line: int
    next_line: int
    end: int


class _Chunk(msgspec.Struct, frozen=True, array_like=True):
    """What a frame is made of: lines that came together."""

    line: int
    stream: Stream
    time: str
    command: int | None
    lines: tuple[str, ...]
    attempt: int = 1


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[_Chunk])


@dataclass(slots=True)
class _Writer:
    """Appends to one step's files."""

    path: Path
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _pending: list[_Chunk] = field(default_factory=list)
    _pending_bytes: int = 0
    _next_line: int = 1
    _end: int = -1

    def append(self, log: Log) -> None:
        with self._lock:
            if self._end < 0:
                self._open()
            known = max(0, self._next_line - log.line)
            lines = log.lines[known:]
            if not lines:
                return
            chunk = _Chunk(log.line + known, log.stream, log.time, log.command, lines, log.attempt)
            self._pending.append(chunk)
            self._pending_bytes += sum(map(len, lines))
            self._next_line = chunk.line + len(lines)
            if self._pending_bytes >= FRAME_BYTES:
                self._write()

    def flush(self) -> None:
        with self._lock:
            if self._pending:
                self._write()

    def _open(self) -> None:
        """Find where the last whole frame ends and cut off what a torn write left behind it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        frames = _read_index(self.path)
        self._end = frames[-1].end if frames else 0
        self._next_line = frames[-1].next_line if frames else 1
        for suffix, size in ((".log", self._end), (".index", len(frames) * _ENTRY.size)):
            with _file(self.path, suffix).open("ab") as file:
                file.truncate(size)

    def _write(self) -> None:
        frame = zstandard.ZstdCompressor(level=1).compress(_encoder.encode(self._pending))
        with _file(self.path, ".log").open("ab") as log:
            log.write(frame)
        self._end += len(frame)
        with _file(self.path, ".index").open("ab") as index:
            index.write(_ENTRY.pack(self._pending[0].line, self._next_line, self._end))
        self._pending, self._pending_bytes = [], 0


def _file(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _read_index(path: Path) -> list[_Frame]:
    """The entries whose frames are whole. Only the last can be torn, by a crash of the machine."""
    try:
        data = _file(path, ".index").read_bytes()
        size = _file(path, ".log").stat().st_size
    except FileNotFoundError:
        return []
    whole = len(data) - len(data) % _ENTRY.size
    frames = [_Frame(*entry) for entry in _ENTRY.iter_unpack(data[:whole])]
    while frames and (frames[-1].end > size or not _is_readable(path, frames)):
        frames.pop()
    return frames


def _is_readable(path: Path, frames: list[_Frame]) -> bool:
    try:
        _read_frame(path, frames, len(frames) - 1)
    except (zstandard.ZstdError, msgspec.DecodeError):
        return False
    return True


def _lines_from(path: Path, frames: list[_Frame], first_line: int) -> Iterator[LogLine]:
    position = bisect_right(frames, first_line, key=lambda frame: frame.next_line)
    for number in range(position, len(frames)):
        for chunk in _read_frame(path, frames, number):
            skipped = max(0, first_line - chunk.line)
            for line, text in enumerate(chunk.lines[skipped:], chunk.line + skipped):
                yield LogLine(
                    line=line,
                    stream=chunk.stream,
                    time=chunk.time,
                    text=text,
                    command=chunk.command,
                    attempt=chunk.attempt,
                )


def _read_frame(path: Path, frames: list[_Frame], number: int) -> list[_Chunk]:
    start = frames[number - 1].end if number else 0
    with _file(path, ".log").open("rb") as file:
        file.seek(start)
        data = file.read(frames[number].end - start)
    return _decoder.decode(zstandard.ZstdDecompressor().decompress(data))
