"""Continuing: what a job that begins anew says of its steps goes on where its lost attempt has ended.

Lines of a step's log are numbered on, and so are the attempts at it: each worker counts from one by itself.
"""

from collections.abc import Mapping

import msgspec

from pipelines.records import AnyRecord, Log, Sink, StepFinished, StepRetried


class Before(msgspec.Struct, frozen=True, kw_only=True):
    """What there is of a step already: lines in its log, attempts that have ended, and the time of those."""

    lines: int = 0
    attempts: int = 0
    duration_ms: int = 0


def continued(sink: Sink, before: Mapping[str, Before]) -> Sink:
    """The sink of a job of whose steps there is this already."""

    def take(record: AnyRecord) -> None:
        known = before.get(record.step) if isinstance(record, Log | StepRetried | StepFinished) else None
        sink(_moved(record, known) if known else record)

    return take if before else sink


def _moved(record: AnyRecord, before: Before) -> AnyRecord:
    match record:
        case Log():
            return msgspec.structs.replace(
                record, line=record.line + before.lines, attempt=record.attempt + before.attempts
            )
        case StepRetried():
            return msgspec.structs.replace(
                record, attempt=record.attempt + before.attempts, attempts=record.attempts + before.attempts
            )
        case StepFinished():
            return msgspec.structs.replace(
                record,
                attempt=record.attempt + before.attempts,
                duration_ms=record.duration_ms + before.duration_ms,
            )
    return record
