"""What is kept of local runs, and for how long."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipelines.event import Event
from pipelines.plan import Plan
from pipelines.records import RunFinished, RunStarted
from pipelines.status import Status
from runner.commands.clean import command
from runner.results.history import LocalHistory, forget_runs

TIME = "2026-01-01T00:00:00.000Z"


def begun(runs: Path, run: str) -> LocalHistory:
    """A run under way."""
    history = LocalHistory(runs, run)
    history(RunStarted(seq=1, time=TIME, run=run, plan=Plan(event=Event())))
    return history


def ended(runs: Path, run: str) -> None:
    history = begun(runs, run)
    history(RunFinished(seq=2, time=TIME, run=run, status=Status.SUCCESS, duration_ms=1))
    history.close()


def killed(runs: Path, run: str, torn: str = "") -> None:
    """A run whose process ends in the middle of a Record, in truth."""
    program = "import os, sys; from pathlib import Path; from tests.runner.results.test_history import begun\n"
    program += "begun(Path(sys.argv[1]), sys.argv[2])._records.write(sys.argv[3].encode()); os.kill(os.getpid(), 9)"
    done = subprocess.run([sys.executable, "-c", program, str(runs), run, torn], check=False)
    assert done.returncode == -9


def kept(runs: Path) -> list[str]:
    return sorted(path.name for path in runs.iterdir())


@pytest.mark.parametrize("torn", ["", '{"v":1,"ty'])
def test_run_that_was_killed_is_forgotten(tmp_path: Path, torn: str) -> None:
    ended(tmp_path, "a")
    killed(tmp_path, "b", torn)
    assert forget_runs(tmp_path) == 1
    assert kept(tmp_path) == ["a"]


def test_run_under_way_is_left_alone(tmp_path: Path) -> None:
    under_way = begun(tmp_path, "a")
    assert forget_runs(tmp_path, keep=0) == 0
    assert kept(tmp_path) == ["a"]
    under_way.close()
    assert forget_runs(tmp_path) == 1


def test_last_runs_are_kept(tmp_path: Path) -> None:
    for run in ("1", "2", "3"):
        ended(tmp_path, run)
    assert forget_runs(tmp_path) == 0
    assert forget_runs(tmp_path, keep=2) == 1
    assert kept(tmp_path) == ["2", "3"]
    assert forget_runs(tmp_path, keep=0) == 2


def test_where_nothing_was_run_nothing_is_forgotten(tmp_path: Path) -> None:
    assert forget_runs(tmp_path / "none") == 0


@pytest.mark.docker
def test_clean_says_what_it_has_removed(tmp_path: Path) -> None:
    killed(tmp_path / "runs", "a")
    done = CliRunner().invoke(command, env={"HEADRACE_STATE": str(tmp_path)}, standalone_mode=False)
    assert done.return_value == 0
    assert "1 runs' files" in done.stderr
    assert kept(tmp_path / "runs") == []
