"""Commands are timed from mark to mark."""

from pipelines.records import CommandRun, Stream
from runner.results.commandclock import CommandClock
from runner.results.marks import Mark


class Seconds:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def run(*events: tuple[float, Stream, Mark], ends: float, exit_code: int | None) -> tuple[CommandRun, ...]:
    seconds = Seconds()
    clock = CommandClock(clock=seconds)
    for seconds.now, stream, mark in events:
        clock.mark(stream, mark)
    seconds.now = ends
    return clock.finish(exit_code)


def told(command: int, exit_code: int | None, duration_ms: int) -> CommandRun:
    return CommandRun(command=command, exit_code=exit_code, duration_ms=duration_ms)


def test_each_command_has_the_code_that_the_next_mark_tells_and_the_last_one_the_step_s() -> None:
    marks = [(1.0, Stream.STDOUT, Mark(0, 0)), (1.5, Stream.STDOUT, Mark(1, 3))]
    assert run(*marks, ends=3.5, exit_code=7) == (told(0, 3, 500), told(1, 7, 2000))


def test_the_same_mark_on_the_other_output_counts_once() -> None:
    marks = [
        (1.0, Stream.STDOUT, Mark(0, 0)),
        (1.1, Stream.STDERR, Mark(0, 0)),
        (2.0, Stream.STDERR, Mark(1, 4)),
        (2.1, Stream.STDOUT, Mark(1, 4)),
    ]
    assert run(*marks, ends=3.0, exit_code=0) == (told(0, 4, 1000), told(1, 0, 1000))


def test_an_output_that_comes_late_changes_nothing() -> None:
    """An engine may well hand over all of one output before any of the other."""
    commands = (Mark(0, 0), Mark(1, 3))
    marks = [(1.0 + number, Stream.STDOUT, mark) for number, mark in enumerate(commands)]
    late = [(2.1, Stream.STDERR, mark) for mark in commands]
    assert run(*marks, *late, ends=3.0, exit_code=None) == (told(0, 3, 1000), told(1, None, 1000))


def test_outputs_that_were_joined_count_once() -> None:
    """After `exec 2>&1`."""
    both = [(0.0, stream, Mark(0, 0)) for stream in (Stream.STDOUT, Stream.STDERR)]
    joined = [(at, Stream.STDOUT, Mark(command, 0)) for at, command in ((1.0, 1), (1.0, 1), (2.0, 2), (2.0, 2))]
    assert run(*both, *joined, ends=3.0, exit_code=None) == (told(0, 0, 1000), told(1, 0, 1000), told(2, None, 1000))


def test_a_command_in_a_loop_is_one_with_all_its_time_and_its_last_code() -> None:
    marks = [(float(at), Stream.STDOUT, Mark(command, code)) for at, command, code in
             ((0, 0, 0), (1, 1, 0), (3, 2, 5), (4, 1, 0), (7, 2, 6))]  # fmt: skip
    assert run(*marks, ends=8.0, exit_code=0) == (told(0, 0, 1000), told(1, 6, 5000), told(2, 0, 2000))


def test_a_step_that_was_stopped_leaves_the_code_of_its_command_open() -> None:
    assert run((0.0, Stream.STDOUT, Mark(0, 0)), ends=1.0, exit_code=None) == (told(0, None, 1000),)


def test_a_step_that_reached_no_command_has_none() -> None:
    assert run(ends=1.0, exit_code=127) == ()
