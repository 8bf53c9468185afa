"""`headrace logs`: an earlier run, shown again."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pipelines.event import Event
from pipelines.plan import Plan, PlannedJob, PlannedStep
from pipelines.records import (
    AnyRecord,
    CommandRun,
    Log,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
    Stream,
    decode,
)
from pipelines.status import Status
from runner.commands.logs import command
from runner.results.history import LocalHistory

RAN = CommandRun(command=0, exit_code=0, duration_ms=2500)
TIME = "2026-01-01T00:00:00.000Z"


def keep_run(runs: Path, run: str, word: str) -> list[AnyRecord]:
    """A run of one step that printed two lines; gives its Records."""
    job = PlannedJob(
        name="build",
        workflow="build",
        file="f",
        workspace_base="/h",
        workspace="/h/s",
        steps=(PlannedStep(name="make", image="busybox"),),
    )
    step: Any = {"run": run, "time": TIME, "job": "build", "step": "make"}
    records: list[AnyRecord] = [
        RunStarted(seq=1, time=TIME, run=run, plan=Plan(event=Event(), jobs=(job,))),
        StepStarted(seq=2, image="busybox", **step),
        Log(seq=3, stream=Stream.STDOUT, line=1, lines=(word, "more"), command=0, **step),
        Log(seq=4, stream=Stream.STDERR, line=3, lines=("oops",), **step),
        StepFinished(seq=5, status=Status.SUCCESS, exit_code=0, duration_ms=1, commands=(RAN,), **step),
        RunFinished(seq=6, time=TIME, run=run, status=Status.SUCCESS, duration_ms=2),
    ]
    history = LocalHistory(runs, run)
    for record in records:
        history(record)
    history.close()
    return records


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEADRACE_STATE", str(tmp_path))
    return tmp_path / "runs"


def logs(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, standalone_mode=False)


def test_latest_run_is_shown_as_it_was(runs: Path) -> None:
    keep_run(runs, "01a", "old")
    keep_run(runs, "01b", "new")
    said = logs().output
    assert "make │ new" in said
    assert "make │ oops" in said
    assert "✓ success" in said
    assert "old" not in said


def test_run_is_found_by_the_beginning_of_its_id(runs: Path) -> None:
    keep_run(runs, "01a", "old")
    keep_run(runs, "01b", "new")
    assert "old" in logs("01a").output
    assert "2 runs begin with '01'" in str(logs("01").exception)
    assert "no run '02'" in str(logs("02").exception)


def test_step_alone_is_its_output_and_nothing_else(runs: Path) -> None:
    keep_run(runs, "01a", "word")
    assert logs("--step", "make").output == "word\nmore\noops\n"
    assert "no output of a step 'nope'" in str(logs("--step", "nope").exception)


def test_json_gives_the_records_back(runs: Path) -> None:
    kept = keep_run(runs, "01a", "word")
    again = [decode(line.encode()) for line in logs("--output", "json").output.splitlines()]
    assert [record for record in again if not isinstance(record, Log)] == [
        record for record in kept if not isinstance(record, Log)
    ]
    assert [record.lines for record in again if isinstance(record, Log)] == [("word", "more"), ("oops",)]


def test_machine_without_a_run_says_so(runs: Path) -> None:
    assert "there is no run in" in str(logs().exception)


def test_folded_each_command_that_went_well_is_one_line(runs: Path) -> None:
    keep_run(runs, "01a", "word")
    assert logs("--fold", "--step", "make").output == "word   ✓ 2.5 s\noops\n"
