"""A folded log says of each command how it ended, and of those that went well no more."""

from typing import Any

from pipelines.records import AnyRecord, CommandRun, Log, StepFinished, StepRetried, StepStarted, Stream
from pipelines.status import Status
from runner.results.folding import command_runs, folded

STAMP: Any = {"seq": 1, "time": "2026-01-01T00:00:00.000Z", "run": "r", "job": "build", "step": "a"}


def log(*lines: str, command: int | None, attempt: int = 1, stream: Stream = Stream.STDOUT) -> Log:
    return Log(**STAMP, stream=stream, line=1, lines=lines, command=command, attempt=attempt)


def ran(*exit_codes: int | None) -> tuple[CommandRun, ...]:
    return tuple(CommandRun(command=index, exit_code=code, duration_ms=1500) for index, code in enumerate(exit_codes))


def finished(*exit_codes: int | None, attempt: int = 1) -> StepFinished:
    return StepFinished(**STAMP, status=Status.FAILURE, duration_ms=1, commands=ran(*exit_codes), attempt=attempt)


def lines(*records: AnyRecord) -> list[str]:
    return [line for each in folded(records, command_runs(records)) if isinstance(each, Log) for line in each.lines]


def test_a_command_that_went_well_is_one_line_with_its_time() -> None:
    noise = log("warning", command=0, stream=Stream.STDERR)
    build = (noise, log("+ make", "one", command=0), log("two", command=0))
    said = lines(*build, log("+ test", "bad", command=1), finished(0, 2))
    assert said == ["+ make   ✓ 1.5 s", "+ test   ✗ exit code 2, 1.5 s", "bad"]


def test_a_command_that_was_stopped_is_shown_whole() -> None:
    assert lines(log("+ wait", "waiting", command=0), finished(None)) == ["+ wait   ■ stopped after 1.5 s", "waiting"]


def test_what_no_command_printed_is_shown() -> None:
    assert lines(log("image i at sha256:1", command=None, stream=Stream.SYSTEM), finished()) == ["image i at sha256:1"]


def test_attempts_are_folded_apart() -> None:
    retried = StepRetried(
        **STAMP, attempt=1, attempts=2, status=Status.FAILURE, duration_ms=1, delay_ms=0, commands=ran(1)
    )
    said = lines(
        retried, log("+ try", "no", command=0), log("+ try", "yes", command=0, attempt=2), finished(0, attempt=2)
    )
    assert said == ["+ try   ✗ exit code 1, 1.5 s", "no", "+ try   ✓ 1.5 s"]


def test_all_other_records_pass() -> None:
    records: list[AnyRecord] = [StepStarted(**STAMP, image="i"), finished(0)]
    assert list(folded(records, command_runs(records))) == records
