"""What a person sees of a run."""

import io
import re
from typing import Any

import pytest

from pipelines.event import Event
from pipelines.plan import Plan, PlannedJob, PlannedStep
from pipelines.pulls import PullProgress
from pipelines.records import (
    AnyRecord,
    Artifact,
    CommandRun,
    ImagePull,
    JobFinished,
    Log,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
    Stream,
)
from pipelines.status import Status
from runner.terminal import PlainConsole, Terminal

STAMP: Any = {"seq": 1, "time": "2026-01-01T00:00:00.000Z", "run": "r"}


def plan(*jobs: str) -> Plan:
    steps = tuple(PlannedStep(name=name, image="busybox") for name in ("make", "deploy"))
    return Plan(
        event=Event(),
        jobs=tuple(
            PlannedJob(name=job, workflow=job, file="f", workspace_base="/h", workspace="/h/s", steps=steps)
            for job in jobs
        ),
    )


def log(*lines: str, stream: Stream = Stream.STDOUT) -> Log:
    return Log(**STAMP, job="build", step="make", stream=stream, line=1, lines=lines)


def finished(status: Status, *, reason: str = "", step: str = "make") -> StepFinished:
    return StepFinished(**STAMP, job="build", step=step, status=status, reason=reason, duration_ms=61_500)


class Screen(io.StringIO):
    """A terminal to write to."""

    def isatty(self) -> bool:
        return True


def shown(*records: AnyRecord, colours: bool = False) -> str:
    file = Screen() if colours else io.StringIO()
    console = PlainConsole(
        file=file,
        force_terminal=colours,
        color_system="standard" if colours else None,
        width=60,
        _environ={"TERM": "xterm"},
    )
    terminal = Terminal(console)
    for record in records:
        terminal(record)
    return file.getvalue()


def test_lines_stand_behind_their_step() -> None:
    said = shown(RunStarted(**STAMP, plan=plan("build")), log("one", "two"))
    assert said == "make   │ one\nmake   │ two\n"


def test_steps_of_several_jobs_are_told_apart() -> None:
    assert "build/make" in shown(RunStarted(**STAMP, plan=plan("build", "test")), log("one"))


def test_step_shows_its_image_artifacts_and_verdict() -> None:
    said = shown(
        RunStarted(**STAMP, plan=plan("build")),
        StepStarted(**STAMP, job="build", step="make", image="busybox"),
        Artifact(**STAMP, job="build", step="make", path="out/x", size_bytes=2_100_000, sha256="0"),
        finished(Status.FAILURE, reason="exit code 7"),
    )
    assert said.splitlines() == [
        "make   │ ▸ busybox",
        "make   │ ▪ artifact out/x (2.0 MiB)",
        "make   │ ✗ failure 1 min 1 s: exit code 7",
    ]


def test_end_lists_every_step_and_why_it_did_not_run() -> None:
    said = shown(
        RunStarted(**STAMP, plan=plan("build")),
        finished(Status.FAILURE),
        finished(Status.SKIPPED, reason="make failed", step="deploy"),
        JobFinished(**STAMP, job="build", status=Status.FAILURE, reason="make failed", duration_ms=1),
        RunFinished(**STAMP, status=Status.FAILURE, duration_ms=1500),
    )
    end = said.partition("\n\n")[2].splitlines()
    assert end == [
        "  make    ✗ failure 1 min 1 s",
        "  deploy  - skipped: make failed",
        "  job build: make failed",
        "✗ failure in 1.5 s",
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("a\x1b]0;title\x07b", "ab"),
        ("a\x1b]8;;http://evil\x1b\\b", "ab"),
        ("a\x1b[2Jb\x1b[1;1Hc", "abc"),
        ("a\x1bPevil\x1b\\b", "ab"),
        ("a\x9b31mb", "a31mb"),
        ("10%\r50%\r100%", "100%"),
        ("100%\r", "100%"),
        ("tab\tkept", "tab\tkept"),
        ("[bold]no markup[/bold]", "[bold]no markup[/bold]"),
    ],
)
def test_output_never_obeys(line: str, expected: str) -> None:
    assert shown(log(line)) == f"make │ {expected}\n"


def test_colours_of_a_step_pass_and_end_with_its_line() -> None:
    said = shown(log("\x1b[31mred", "plain"), colours=True)
    assert "\x1b[31mred\x1b[0m\n" in said
    assert said.endswith("plain\x1b[0m\n")


def test_names_and_reasons_never_obey_either() -> None:
    evil = StepFinished(
        **STAMP, job="build", step="a\x1b[2Jb", status=Status.ERROR, reason="c\x1b]0;x\x07d", duration_ms=1
    )
    assert shown(evil) == r"a\x1b[2Jb │ ! error 0.0 s: c\x1b]0;x\x07d" + "\n"


def test_reader_that_goes_away_is_told_to_the_caller() -> None:
    class Closed(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    terminal = Terminal(PlainConsole(file=Closed()))
    with pytest.raises(BrokenPipeError):
        terminal(finished(Status.SUCCESS))


def test_a_step_that_was_tried_again_says_in_which_attempt_it_ended() -> None:
    record = StepFinished(**STAMP, job="build", step="make", status=Status.SUCCESS, duration_ms=2_000, attempt=3)
    assert shown(record) == "make │ ✓ 2.0 s in attempt 3\n"


def test_commands_that_took_long_are_named_at_the_end_of_their_step() -> None:
    steps = (PlannedStep(name="make", image="i", commands=("./configure", "make all \\\n  -j9", "make check")),)
    job = PlannedJob(name="build", workflow="build", file="f", workspace_base="/h", workspace="/h/s", steps=steps)
    times = {0: 900, 1: 95_000, 2: 10_000}
    commands = tuple(CommandRun(command=index, exit_code=0, duration_ms=time) for index, time in times.items())
    end = StepFinished(**STAMP, job="build", step="make", status=Status.SUCCESS, duration_ms=106_000, commands=commands)
    said = shown(RunStarted(**STAMP, plan=Plan(event=Event(), jobs=(job,))), end)
    assert said == "make │ ▪ 1 min 35 s for make all \\\nmake │ ▪ 10.0 s for make check\nmake │ ✓ 1 min 46 s\n"


def pulled(image: str, done: int, *, has_ended: bool = False) -> ImagePull:
    progress = PullProgress(layers=4, layers_done=done, has_ended=has_ended)
    return ImagePull(**STAMP, job="build", image=image, steps=("make",), progress=progress)


PULL = (
    RunStarted(**STAMP, plan=plan("build")),
    log("pulling one", stream=Stream.SYSTEM),
    pulled("one", 1),
    pulled("two", 0),
    log("one: 1 of 4 layers", stream=Stream.SYSTEM),
    log("made"),
    pulled("two", 2, has_ended=True),
    pulled("one", 3),
    pulled("one", 3, has_ended=True),
    log("image one at sha256:1", stream=Stream.SYSTEM),
)


def on_screen(written: str) -> list[str]:
    """What a terminal shows of this in the end."""
    lines: list[str] = []
    for part in re.split("(\x1b\\[1A\x1b\\[2K|\n)", re.sub(r"\x1b\[[0-9;]*m", "", written)):
        if part == "\x1b[1A\x1b[2K":
            lines.pop()
        elif part not in ("", "\n"):
            lines.append(part)
    return lines


def test_pulls_have_a_live_line_each_below_all_else_in_a_terminal() -> None:
    assert on_screen(shown(*PULL[:6], colours=True)) == [
        "make   │ pulling one",
        "make   │ made",
        "⇣ one: 1 of 4 layers",
        "⇣ two: 0 of 4 layers",
    ]
    assert on_screen(shown(*PULL, colours=True))[1:] == ["make   │ made", "make   │ image one at sha256:1"]


def test_pulls_tell_of_their_begin_and_end_alone_where_there_is_no_terminal() -> None:
    assert shown(*PULL).splitlines() == [
        "make   │ pulling one",
        "make   │ made",
        "make   │ image one at sha256:1",
    ]
