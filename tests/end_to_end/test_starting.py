"""Runs that people and clocks start, on a real server with a real worker, from the command or the clock to the log."""

import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.end_to_end.origin import Origin
from tests.end_to_end.service import Service
from tests.waiting import wait_until
from worker.supervisor import headrace_command

pytestmark = [pytest.mark.docker, pytest.mark.redis]

BUILD = """
params:
  TARGET: {{type: choice, options: [eu, us], required: true}}
  COUNT: {{type: number, default: 3}}
when: {{event: manual}}
steps:
  say:
    image: {image}
    commands: echo "$CI_PIPELINE_EVENT of $CI_COMMIT_BRANCH by $CI_PIPELINE_AUTHOR, $CI_PARAM_TARGET $COUNT"
"""
SHIP = """
when: {{event: deployment}}
steps:
  ship:
    image: {image}
    commands: echo "$CI_PIPELINE_PARENT to $CI_PIPELINE_DEPLOY_TARGET, $CI_PIPELINE_DEPLOY_TASK of $CI_COMMIT_SHA"
"""
NIGHTLY = """
when: {{event: cron, cron: night*}}
steps:
  scan:
    image: {image}
    commands: echo "scanning $CI_COMMIT_BRANCH $DEPTH"
"""

MADE = """
steps:
  make:
    image: {image}
    commands:
      - echo "VERSION=7.$CI_PIPELINE_NUMBER" >> "$CI_OUTPUT"
      - echo wood > app
    outputs: [VERSION]
    artifacts: app
"""
CHECKED = """
depends_on: made
steps:
  check:
    image: {image}
    commands:
      - test "$CI_PIPELINE_RERUNS" = 1
      - echo "checked $CI_OUTPUT_MAKE_VERSION in run $CI_PIPELINE_NUMBER"
"""


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin(tmp_path)


@pytest.fixture
def service(tmp_path: Path, origin: Origin, busybox: str) -> Iterator[Service]:
    """All in one, with a repository that has three workflows, none of which a push runs."""
    service = Service(tmp_path)
    service.up()
    service.add_repository(origin)
    files = {"build": BUILD, "ship": SHIP, "nightly": NIGHTLY}
    service.workflow_run(
        origin, **{f"_headrace__{name}_yaml": text.format(image=busybox) for name, text in files.items()}
    )
    yield service
    service.end()


Headrace = Callable[..., str]


@pytest.fixture
def headrace(service: Service) -> Headrace:
    """Gives what a command says to stdout, with a token that may do everything."""
    service.headrace("user", "add", "root", "--robot", "--role", "administrator")
    token = service.headrace("token", "create", "tests", "--user", "root", "--scope", "admin").strip()
    environment = {**os.environ, "HEADRACE_SERVER": service.url, "HEADRACE_TOKEN": token}

    def run(*arguments: str) -> str:
        command = headrace_command(*arguments)
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.strip()

    return run


def said_in(service: Service, run_id: str, job: str, step: str) -> str:
    """The last line of a step's log, in a run that succeeds."""
    run = service.finished_run(run_id)
    assert run["status"] == "success", run
    log = service.get(f"/api/runs/{run_id}/jobs/{job}/steps/{step}/log", params={"tail": "1"}).text
    return str(log).removesuffix("\n")


def test_people_and_clocks_start_runs(service: Service, origin: Origin, headrace: Headrace) -> None:
    sha = origin.developer.git("rev-parse", "HEAD")

    started = headrace("start", "acme/web", "--branch", "main", "--param", "TARGET=eu")
    assert said_in(service, started, "build", "say") == "manual of main by root, eu 3"

    deployed = headrace("deploy", started, "--to", "production", "--task", "migrate")
    assert said_in(service, deployed, "ship", "ship") == f"2 to production, migrate of {sha}"

    headrace("schedule", "add", "acme/web", "nightly", "--cron", "@yearly", "--param", "DEPTH=full")
    ran = headrace("schedule", "run-now", "acme/web", "nightly")
    assert said_in(service, ran, "nightly", "scan") == "scanning main full"

    for arguments, complaint in (
        (("--branch", "mian"), "has no branch 'mian' (did you mean `main`?)"),
        (("--param", "TARGET=mars", "--sha", sha), "the parameter `TARGET` must be one of eu, us, not 'mars'"),
        ((), "the parameter `TARGET` must be given"),
        (("--workflow", "biuld"), "there is no workflow biuld: there are build, nightly, ship"),
    ):
        refused = service.finished_run(headrace("start", "acme/web", *arguments))
        assert (refused["status"], complaint in refused["reason"]) == ("error", True), refused["reason"]


def test_time_that_passes_while_no_server_runs_makes_one_run_at_its_start(service: Service, headrace: Headrace) -> None:
    headrace("schedule", "add", "acme/web", "nightly", "--cron", "@yearly", "--param", "DEPTH=full")
    service.end()
    with sqlite3.connect(service.data / "headrace.sqlite") as database:
        database.execute("UPDATE schedules SET next_at = '2026-01-01T00:00:00.000Z'")
    database.close()
    service.up()
    wait_until(lambda: service.runs()[0]["event"]["kind"] == "cron", what="the run that was missed")
    assert said_in(service, service.runs()[0]["id"], "nightly", "scan") == "scanning main full"
    assert [run["event"]["kind"] for run in service.runs()] == ["cron", "push"]


def test_what_failed_runs_again_with_what_the_rest_has_left(
    service: Service, origin: Origin, headrace: Headrace, busybox: str
) -> None:
    run = service.workflow_run(
        origin,
        _headrace__made_yaml=MADE.format(image=busybox),
        _headrace__checked_yaml=CHECKED.format(image=busybox),
    )
    assert (run["number"], run["status"]) == (2, "failure"), run
    again = headrace("rerun", "acme/web#2", "--failed")
    assert said_in(service, again, "checked", "check") == "checked 7.2 in run 3"
    jobs = {job["name"]: (job["status"], job["reason"]) for job in service.run(again)["jobs"] if job["included"]}
    assert jobs == {"made": ("success", "done in run 2"), "checked": ("success", "")}
    [artifact] = service.get(f"/api/runs/{again}/artifacts").json()["artifacts"]
    assert service.get(artifact["url"].removeprefix(service.url)).content == b"wood\n"
