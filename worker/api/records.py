"""A run's history as Records: those so far, or live until the run's last one; log lines in between on request.

DESIGN. Log lines aren't in the database and have no number in the run. A reader that wants them holds a Cursor: the
last Record it was sent, and the next line of each log that is under way. All that a step wrote is sent before its
step_finished. The Cursor is the id of each event, so a reader that comes back goes on exactly where it was.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Query
from starlette.responses import Response, StreamingResponse

from pipelines.records import AnyRecord, Log, RunFinished, StepFinished, StepStarted, decode, encode
from runner.results.logstore import LogLine
from worker.api import sse
from worker.api.cursor import Cursor
from worker.api.logs import chunks_of
from worker.api.sse import Listening
from worker.context import Context, Serving
from worker.store import parts, queries

_BATCH_RECORDS = 200
_BATCH_LINES = 1000

Lines = Generator[tuple[bytes, str], None, bool]
"""JSON lines, each with the cursor after it; at the end, whether there may be more."""


def show_records(
    run_id: str,
    context: Serving,
    listener: Listening,
    logs: Annotated[bool, Query(description="log lines too, as Records of type log")] = False,  # noqa: FBT002 -- a query's
    record_format: Annotated[str, Query(alias="format", pattern="^(sse|jsonl)?$", description="sse or jsonl")] = "",
) -> Response:
    """A run's history, one Record an event, live until run_finished; an event's id is the Record's seq.

    With `format=jsonl` or `Accept: application/json` those so far, one a line. With `logs=1`, a log Record has the seq
    of the Record before it, and ids also say how far each log was sent: give one back as it is.
    """
    with context.database.read() as connection:
        queries.run_with_id(connection, run_id)
        last = queries.last_record(connection, run_id)
    cursor = _resumed(listener.last_event_id, last)
    has_ended = last is not None and cursor.seq == last.seq and isinstance(decode(last.body), RunFinished)
    reader = _Reader(context=context, run_id=run_id, cursor=cursor, wants_logs=logs, has_ended=has_ended)
    if record_format == "jsonl" or (not record_format and "application/json" in listener.accept):
        return StreamingResponse(_json_lines(reader), media_type="application/jsonl")
    return sse.stream(context.live, run_id, reader.read_events, listener)


def _resumed(last_event_id: str, last: queries.StoredRecord | None) -> Cursor:
    """Where a reader goes on. An id that this history never gave says nothing: it is told from the beginning."""
    cursor = Cursor.parse(last_event_id)
    return cursor if cursor.seq <= (last.seq if last else 0) else Cursor()


@dataclass(slots=True, kw_only=True)
class _Reader:
    """Someone who reads a run's history, and how far they have come. `has_ended` once they have its last Record."""

    context: Context
    run_id: str
    cursor: Cursor
    wants_logs: bool
    has_ended: bool = False

    def read_events(self) -> sse.Batch:
        """What is new, in wire form."""
        events = [sse.event(body.decode(), event_id=position) for body, position in self.read()]
        return sse.Batch(events=events, is_last=self.has_ended)

    def read(self) -> Iterator[tuple[bytes, str]]:
        """What is new: JSON lines, each with the cursor after it. A bounded number: ask again until there is none."""
        if self.has_ended:
            return
        with self.context.database.read() as connection:
            stored = queries.records_after(connection, self.run_id, self.cursor.seq, limit=_BATCH_RECORDS)
            steps = parts.step_ids(connection, self.run_id) if self.wants_logs else {}
        for each in stored:
            record = decode(each.body)
            if (yield from self._log_around(record, steps)):
                return  # the rest of this log comes first
            self.cursor.seq = each.seq
            self.has_ended = isinstance(record, RunFinished)
            yield each.body, str(self.cursor)
        if len(stored) < _BATCH_RECORDS:
            for (job, step), step_id in steps.items():
                if step_id in self.cursor.next_lines:
                    yield from self._log_lines(step_id, job, step)

    def _log_around(self, record: AnyRecord, steps: dict[tuple[str, str], int]) -> Lines:
        """Begin the log of a step that starts; send what is left of one that has ended. True if there may be more."""
        if not isinstance(record, StepStarted | StepFinished) or (record.job, record.step) not in steps:
            return False
        step_id = steps[record.job, record.step]
        if isinstance(record, StepStarted):
            self.cursor.next_lines[step_id] = 1
            return False
        is_more = yield from self._log_lines(step_id, record.job, record.step)
        if not is_more:
            self.cursor.next_lines.pop(step_id, None)
        return is_more

    def _log_lines(self, step_id: int, job: str, step: str) -> Lines:
        """The next lines of a log, as Records. True if there may be more."""
        first_line = self.cursor.next_lines.get(step_id, 1)
        lines = self.context.storage.logs(self.run_id).read(job, step, first_line=first_line, limit=_BATCH_LINES)
        for chunk in chunks_of(lines):
            self.cursor.next_lines[step_id] = chunk[-1].line + 1
            yield encode(self._log_record(job, step, chunk)), str(self.cursor)
        return len(lines) == _BATCH_LINES

    def _log_record(self, job: str, step: str, chunk: list[LogLine]) -> Log:
        return Log(
            seq=self.cursor.seq,
            time=chunk[0].time,
            run=self.run_id,
            job=job,
            step=step,
            stream=chunk[0].stream,
            line=chunk[0].line,
            lines=tuple(line.text for line in chunk),
            command=chunk[0].command,
            attempt=chunk[0].attempt,
        )


def _json_lines(reader: _Reader) -> Iterator[bytes]:
    is_more = True
    while is_more and not reader.has_ended:
        is_more = False
        for body, _ in reader.read():
            is_more = True
            yield body + b"\n"
