"""`headrace runs` and `headrace artifacts` on this machine's own runs."""

import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from runner.backend import WorkspaceFile
from runner.commands import artifacts, runs
from runner.results.artifacts import DirectoryArtifacts
from tests.runner.test_logs_command import keep_run


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEADRACE_STATE", str(tmp_path))
    for name in ("01a", "01b"):
        keep_run(tmp_path / "runs", name, "word")
    return tmp_path / "runs"


def listed(*arguments: str) -> str:
    done = CliRunner().invoke(runs.command, arguments, catch_exceptions=False, standalone_mode=False)
    return done.stdout


def test_runs_of_this_machine_are_listed_latest_first(kept: Path) -> None:
    assert [line.split()[:3] for line in listed().splitlines()] == [
        ["01b", "success", "push"],
        ["01a", "success", "push"],
    ]
    assert [run["id"] for run in json.loads(listed("--limit", "1", "--output", "json"))] == ["01b"]


@pytest.mark.parametrize("name", ["branch", "status", "event", "author"])
def test_only_runs_that_are_wanted_are_listed(kept: Path, name: str) -> None:
    of = json.loads(listed("--output", "json"))[0]
    others = {"branch": "another", "status": "failure", "event": "tag", "author": "somebody"}
    assert of[name] != others[name]
    assert listed(f"--{name}", others[name]) == ""
    if of[name]:
        assert [line.split()[0] for line in listed(f"--{name}", of[name]).splitlines()] == ["01b", "01a"]


def test_run_that_was_killed_is_unfinished(kept: Path) -> None:
    records = kept / "01b" / "records.jsonl"
    records.write_bytes(records.read_bytes()[:-20])
    assert listed().splitlines()[0].split()[:2] == ["01b", "unfinished"]
    records.write_bytes(b"")
    assert [line.split()[0] for line in listed().splitlines()] == ["01a"]


def test_artifacts_of_this_machine_are_listed(kept: Path) -> None:
    store = DirectoryArtifacts(kept / "01b" / "artifacts")
    for step in ("make", "test"):
        store.put("build", step, WorkspaceFile(path=f"dist/{step}\n", size_bytes=1, content=io.BytesIO(b"x")))
    done = CliRunner().invoke(artifacts.command, ["--step", "make"], catch_exceptions=False, standalone_mode=False)
    assert done.stdout.split() == ["1", "build/make", "dist/make\\n"]
