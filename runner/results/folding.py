"""Folding: a log in which each command that went well is one line, with its time. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import msgspec

from pipelines.records import AnyRecord, CommandRun, Log, StepFinished, StepRetried, Stream


@dataclass(frozen=True, slots=True)
class CommandPlace:
    """Which command of which attempt at which step."""

    job: str
    step: str
    attempt: int
    command: int


CommandRuns = Mapping[CommandPlace, CommandRun]


def command_runs(records: Iterable[AnyRecord]) -> CommandRuns:
    """What became of each command, as the ends of attempts tell it."""
    return {
        CommandPlace(record.job, record.step, record.attempt, run.command): run
        for record in records
        if isinstance(record, StepRetried | StepFinished)
        for run in record.commands
    }


def folded(records: Iterable[AnyRecord], runs: CommandRuns) -> Iterator[AnyRecord]:
    """The Records, in which a command's first line tells how it ended, and is its only one if that was well."""
    begun: set[CommandPlace] = set()
    for record in records:
        place = _place(record)
        run = runs.get(place) if place else None
        if not isinstance(record, Log) or place is None or run is None:
            yield record
        elif place not in begun and record.stream is Stream.STDOUT:
            begun.add(place)
            first, *rest = record.lines
            lines = (f"{first}   {_verdict(run)}", *(rest if run.exit_code != 0 else ()))
            yield msgspec.structs.replace(record, lines=lines)
        elif run.exit_code != 0:
            yield record


def _place(record: AnyRecord) -> CommandPlace | None:
    if not isinstance(record, Log) or record.command is None:
        return None
    return CommandPlace(record.job, record.step, record.attempt, record.command)


def _verdict(run: CommandRun) -> str:
    seconds = f"{run.duration_ms / 1000:.1f} s"
    if run.exit_code == 0:
        return f"✓ {seconds}"
    return f"✗ exit code {run.exit_code}, {seconds}" if run.exit_code else f"■ stopped after {seconds}"
