"""Statuses over a whole service: whatever forge and server go through, each end is told, once."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.end_to_end.origin import Origin
from tests.end_to_end.service import Service
from tests.end_to_end.test_forges_page import deliver
from tests.waiting import wait_until
from tests.worker.statuses.fakeforge import TOKEN, FakeForge, answers, fake_forge
from worker.supervisor import headrace_command

pytestmark = [pytest.mark.docker, pytest.mark.redis]

WORKFLOW = """
steps:
  - {{name: waits, image: {image}, commands: "until test -e /headrace-go; do sleep 0.1; done"}}
"""
QUICK = "steps: {{fails: {{image: {image}, commands: exit 3}}}}\n"


@pytest.fixture
def forge() -> Iterator[FakeForge]:
    with fake_forge() as server:
        yield server


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin(tmp_path)


def headrace(service: Service, *arguments: str, given: str = "") -> str:
    options = ("--data", str(service.data), "--url", service.url)
    done = subprocess.run(
        headrace_command(*arguments, *options), input=given, check=True, capture_output=True, text=True
    )
    return done.stdout


def connect(service: Service, forge: FakeForge, origin: Origin) -> str:
    """Have the service build the repository as GitHub's, and tell this forge; gives what to enter there."""
    printed = headrace(service, "repo", "add", "acme/web", "--forge", "github", "--clone-url", str(origin.path))
    headrace(service, "repo", "set", "acme/web", "--forge-url", forge.url, "--forge-token-file", "-", given=TOKEN)
    return printed


def push(origin: Origin, printed: str, workflow: str) -> httpx.Response:
    origin.push(_headrace_yaml=workflow)
    return deliver("github", printed, origin.developer.git("rev-parse", "HEAD"))


def test_forge_that_was_away_while_the_server_was_killed_hears_each_end_once(
    halves: Service, forge: FakeForge, origin: Origin, busybox: str
) -> None:
    forge.always = answers(503)
    server = halves.server()
    halves.worker()
    halves.authorization()
    answer = push(origin, connect(halves, forge, origin), QUICK.format(image=busybox))
    run = halves.finished_run(answer.json()["run"])
    assert run["status"] == "failure"
    wait_until(lambda: forge.seen, what="the forge has failed")
    server.end(signal.SIGKILL)
    halves.server()
    forge.always = None
    wait_until(lambda: len(forge.contexts()) == 2, what="both are told")
    assert forge.states("headrace/push") == ["failure"]
    assert forge.states("headrace/push/headrace") == ["failure"]
    assert {taken.url for taken in forge.taken} == {answer.json()["url"]}
    assert json.loads(headrace(halves, "repo", "set", "acme/web", "--output", "json"))["status_trouble"] == ""


def test_server_that_is_killed_while_a_run_goes_on_tells_its_end_after_its_beginning(
    halves: Service, forge: FakeForge, origin: Origin, busybox: str
) -> None:
    server = halves.server()
    halves.worker()
    halves.authorization()
    answer = push(origin, connect(halves, forge, origin), WORKFLOW.format(image=busybox))
    wait_until(lambda: forge.states("headrace/push/headrace"), what="the job is told of")
    server.end(signal.SIGKILL)
    halves.server()
    run_id = answer.json()["run"]
    halves.cancel(run_id)
    assert halves.finished_run(run_id)["status"] == "cancelled"
    for context in ("headrace/push", "headrace/push/headrace"):
        wait_until(lambda each=context: forge.states(each)[-1] == "error", what="the end is told")  # type: ignore[misc]
        assert forge.states(context).count("error") == 1
        assert forge.states(context)[0] == "pending"
