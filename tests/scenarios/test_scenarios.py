"""Scenarios: whole runs of `headrace run` on a real engine. NAME.yaml is what runs, NAME.json what must become of it.

A YAML file holds one workflow file or several, each after a line `# file: PATH`; IMAGE stands for an image that is
there. The JSON has the exit code, the status of the run, and all jobs and steps (`JOB/STEP`) with their statuses; where
they matter, `reasons` and standard output (`lines`) of some, the paths of `artifacts`, jobs that ran `at_once` or
`in_order`, and what stderr `told`.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runner.engine.client import Engine
from runner.engine.ownership import RUN
from tests.gitrepo import GitRepository

pytestmark = pytest.mark.docker

HERE = Path(__file__).parent
SCENARIOS = sorted(path.stem for path in HERE.glob("*.yaml"))

Records = list[dict[str, Any]]


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name: str, engine: Engine, busybox: str, tmp_path: Path) -> None:
    files = workflow_files((HERE / f"{name}.yaml").read_text().replace("IMAGE", busybox))
    code, records, told = run(files, tmp_path)
    expected = json.loads((HERE / f"{name}.json").read_text())
    assert outcome(records) | {"exit_code": code} == {key: expected[key] for key in outcome([]) | {"exit_code": 0}}, (
        told
    )
    assert_details(expected, records)
    assert expected.get("told", "") in told
    runs = [path.name for path in (tmp_path / "state" / "runs").glob("*")]
    found = (*engine.containers(RUN), *engine.networks(RUN), *engine.volumes(RUN))
    assert [each.name for each in found if each.labels[RUN] in runs] == []


def test_every_scenario_says_what_is_expected() -> None:
    assert sorted(path.stem for path in HERE.glob("*.json")) == SCENARIOS
    assert len(SCENARIOS) >= 17


def workflow_files(text: str) -> dict[str, str]:
    """The workflow files of a scenario by path."""
    _, *parts = re.split(r"(?m)^# file: (\S+)\n", text)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def run(files: dict[str, str], directory: Path) -> tuple[int, Records, str]:
    """Run the files in a repository of their own: exit code, Records, stderr."""
    repository = GitRepository(directory / "project")
    repository.commit(readme="hello\n")
    for name, text in files.items():
        repository.write(name, text)
    answer = subprocess.run(
        [sys.executable, "-P", "-m", "runner.cli", "run", "--output", "json"],
        cwd=repository.path,
        env={
            **os.environ,
            "HEADRACE_STATE": str(directory / "state"),
            "HEADRACE_GRACE_SECONDS": "1",
            "HEADRACE_PARALLEL": "3",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return answer.returncode, [json.loads(line) for line in answer.stdout.splitlines()], answer.stderr


def outcome(records: Records) -> dict[str, Any]:
    """What became of the run, its jobs and its steps; each must be told once."""
    jobs = [record for record in records if record["type"] == "job_finished"]
    steps = [record for record in records if record["type"] == "step_finished"]
    found = {
        "status": records[-1]["status"] if records else "",
        "jobs": {record["job"]: record["status"] for record in jobs},
        "steps": {f"{record['job']}/{record['step']}": record["status"] for record in steps},
    }
    assert (len(found["jobs"]), len(found["steps"])) == (len(jobs), len(steps))
    return found


def assert_details(expected: dict[str, Any], records: Records) -> None:
    """The reasons, lines, artifacts and times that a scenario says something about."""
    reasons = {name_of(each): each.get("reason", "") for each in records if each["type"].endswith("_finished")}
    for name, reason in expected.get("reasons", {}).items():
        assert reasons[name] == reason
    for name, lines in expected.get("lines", {}).items():
        assert lines_of(records, name) == lines
    if "artifacts" in expected:
        assert [record["path"] for record in records if record["type"] == "artifact"] == expected["artifacts"]
    jobs = [(record["type"], record["job"]) for record in records if record["type"] in ("job_started", "job_finished")]
    if names := expected.get("at_once"):
        assert {job for kind, job in jobs[: len(names)] if kind == "job_started"} == set(names)
    if names := expected.get("in_order"):
        assert jobs == [(kind, job) for job in names for kind in ("job_started", "job_finished")]


def name_of(record: dict[str, Any]) -> str:
    """`JOB/STEP`, `JOB` or nothing."""
    return "/".join(record[key] for key in ("job", "step") if key in record)


def lines_of(records: Records, name: str) -> list[str]:
    """What a step printed to standard output, without the echoed commands."""
    logs = [each for each in records if each["type"] == "log" and name_of(each) == name and each["stream"] == "stdout"]
    return [line for log in logs for line in log["lines"] if not line.startswith("+ ")]
