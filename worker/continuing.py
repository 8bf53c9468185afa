"""Continuing: the Records of a job that begins anew go on where those of its lost attempt have ended.

A worker numbers the lines of a step's log, and the attempts at it, from one. What was there before is added here.
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
    """A Sink that moves on the numbers of what it takes by what there was `before`, by step, and gives it to `sink`."""

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
