"""A step's log: whole as text, by page as JSON, or live.

DESIGN. A live viewer holds a place in the log, the number of the next line, and reads on from there whenever the run
has something new. The id of an event is the number of its last line, so a viewer that comes back goes on where it was.
Whether the step has ended is looked up before the log is read: what it wrote is in the log by then.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Annotated
from urllib.parse import unquote

import msgspec
from fastapi import Depends, Query, Request
from starlette.responses import Response, StreamingResponse

from runner.results.logstore import LogLine, LogStore
from worker.api import models, sse
from worker.api.numbers import LARGEST
from worker.api.sse import Listening
from worker.context import Context, Serving
from worker.errors import NotFound
from worker.storage import Files
from worker.store import parts
from worker.store.attempts import StoredAttempt, attempts_of
from worker.store.retained import check_there

_BATCH_LINES = 2000
_LINE = re.compile(r"[0-9]{1,18}")
_TEXT_HEADERS = {"Content-Security-Policy": "sandbox; default-src 'none'", "X-Content-Type-Options": "nosniff"}


class LogFormat(StrEnum):
    """How a log is wanted."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepAddress:
    """Which step of which run. Job and step names hold any character."""

    run_id: str
    job: str
    step: str


def _step_address(request: Request, run_id: str) -> StepAddress:
    # The path as it was sent: in the decoded one, a slash within a name can't be told from one between names.
    segments = request.scope["raw_path"].decode("ascii", "replace").split("/")
    if len(segments) != 9:
        raise NotFound("no such step: a slash in the name of a job or step is written %2F")
    return StepAddress(run_id=run_id, job=unquote(segments[5]), step=unquote(segments[7]))


def show_log(
    address: Annotated[StepAddress, Depends(_step_address)],
    context: Serving,
    listener: Listening,
    log_format: Annotated[
        LogFormat, Query(alias="format", description="text: all of it; json: a page")
    ] = LogFormat.TEXT,
    first_line: Annotated[int, Query(alias="from", description="the first line wanted", ge=1, le=LARGEST)] = 1,
    limit: Annotated[int, Query(description="json: at most this many lines", ge=1, le=10_000)] = 1000,
    tail: Annotated[int | None, Query(description="only the last lines, this many", ge=0, le=10_000)] = None,
) -> Response:
    """A step's log as text, stdout and stderr in the order they came.

    With `format=json` a page of it as lines; with `Accept: text/event-stream` live: each event holds lines that came
    together, its id is the number of the last of them, and an event `end` comes when the step has ended, with its
    attempts and what became of their commands.
    """
    with context.database.read() as connection:
        parts.step_status(connection, address.run_id, address.job, address.step)
        check_there(connection, address.run_id, Files.LOGS)
    log = context.storage.logs(address.run_id)
    following = log.next_line(address.job, address.step)
    start = first_line if tail is None else max(1, following - tail)
    if "text/event-stream" in listener.accept:
        resumed = _line_after(listener.last_event_id, following=following) or start
        viewer = _Viewer(context=context, address=address, log=log, next_line=resumed)
        return sse.stream(context.live, address.run_id, viewer.read, listener)
    if log_format is LogFormat.JSON:
        return _page(context, address, log, start, limit)
    return StreamingResponse(_text(log, address, start), media_type="text/plain", headers=_TEXT_HEADERS)


def _line_after(last_event_id: str, *, following: int) -> int | None:
    """The line with which a viewer goes on who has seen this one; None for an id that this log has never given."""
    if not _LINE.fullmatch(last_event_id):
        return None
    line = int(last_event_id) + 1
    return line if line <= following else None


def chunks_of(lines: Sequence[LogLine]) -> Iterator[list[LogLine]]:
    """The lines, parted where the stream, the time, the command or the attempt changes."""
    for _, together in groupby(lines, key=lambda line: (line.stream, line.time, line.command, line.attempt)):
        yield list(together)


@dataclass(slots=True, kw_only=True)
class _Viewer:
    """Someone who watches a log grow, and how far they have seen it."""

    context: Context
    address: StepAddress
    log: LogStore
    next_line: int

    def read(self) -> sse.Batch:
        """The lines that are new."""
        has_ended = _has_ended(self.context, self.address)
        lines = self.log.read(self.address.job, self.address.step, first_line=self.next_line, limit=_BATCH_LINES)
        events = [_event(chunk) for chunk in chunks_of(lines)]
        if lines:
            self.next_line = lines[-1].line + 1
        is_last = has_ended and len(lines) < _BATCH_LINES
        if is_last:
            events.append(sse.event(msgspec.json.encode({"attempts": self._attempts()}).decode(), name="end"))
        return sse.Batch(events=events, is_last=is_last)

    def _attempts(self) -> list[StoredAttempt]:
        """The attempts at the step, with their commands."""
        with self.context.database.read() as connection:
            found = attempts_of(connection, self.address.run_id)
        return list(found.get((self.address.job, self.address.step), ()))


def _event(chunk: list[LogLine]) -> bytes:
    first = chunk[0]
    data = {
        "line": first.line,
        "stream": first.stream,
        "time": first.time,
        "command": first.command,
        "attempt": first.attempt,
        "lines": [line.text for line in chunk],
    }
    return sse.event(msgspec.json.encode(data).decode(), event_id=str(chunk[-1].line))


def _page(context: Context, address: StepAddress, log: LogStore, start: int, limit: int) -> Response:
    has_ended = _has_ended(context, address)
    lines = log.read(address.job, address.step, first_line=start, limit=limit)
    is_last = has_ended and len(lines) < limit
    page = models.LogPage(
        lines=[_line(line) for line in lines],
        next=None if is_last else (lines[-1].line + 1 if lines else start),
    )
    return Response(page.model_dump_json(), media_type="application/json")


def _line(line: LogLine) -> models.LogLine:
    return models.LogLine(
        number=line.line,
        stream=line.stream,
        time=line.time,
        text=line.text,
        command=line.command,
        attempt=line.attempt,
    )


def _text(log: LogStore, address: StepAddress, start: int) -> Iterator[bytes]:
    while lines := log.read(address.job, address.step, first_line=start, limit=_BATCH_LINES):
        yield "".join(f"{line.text}\n" for line in lines).encode("utf-8", "replace")
        start = lines[-1].line + 1


def _has_ended(context: Context, address: StepAddress) -> bool:
    with context.database.read() as connection:
        return parts.step_status(connection, address.run_id, address.job, address.step).is_terminal
