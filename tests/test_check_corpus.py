"""`scripts/check_corpus.py`: what of a directory of workflow files is accepted, and why the rest is not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts/check_corpus.py"
FILES = {
    "clean.yml": "when: {event: tag}\nsteps: {a: {image: x, commands: make}}",
    "old/form.yaml": "pipeline: {a: {image: x, commands: make}}",
    "old/needs.yaml": "depends_on: elsewhere\nsteps: {a: {image: x, commands: make}}",
    "refused.yml": "steps: {a: {image: x, commands: [{b: c}]}}",
    "readme.md": "steps:",
}


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A directory with files of every kind."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def printed(*arguments: str) -> str:
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_files_are_counted_and_refusals_told(corpus: Path) -> None:
    text = printed(str(corpus))
    assert text.startswith("4 files: 3 accepted (75.0 %), 1 of them with warnings, 1 refused\n")
    assert "\nrefused.yml\n    1:34: `steps.a.commands[0]` must be text, not a map" in text


def test_json_has_every_file_once(corpus: Path) -> None:
    outcomes = [json.loads(line) for line in printed(str(corpus), "--json").splitlines()]
    assert [outcome["file"] for outcome in outcomes] == ["clean.yml", "old/form.yaml", "old/needs.yaml", "refused.yml"]
    assert [bool(outcome["errors"]) for outcome in outcomes] == [False, False, False, True]


def test_each_file_is_planned_for_four_events(corpus: Path) -> None:
    runs = {each["file"]: each["runs"] for each in map(json.loads, printed(str(corpus), "--json").splitlines())}
    assert runs["clean.yml"] == ["tag"]
    assert runs["old/form.yaml"] == ["push", "pull_request", "tag", "cron"]
    assert "\nwith a job to run: push 1, pull_request 1, tag 2, cron 1\n" in printed(str(corpus))


def test_a_problem_of_several_events_is_told_once(corpus: Path) -> None:
    outcomes = {each["file"]: each for each in map(json.loads, printed(str(corpus), "--json").splitlines())}
    assert len(outcomes["old/form.yaml"]["warnings"]) == 1
