"""compose.yaml, brought up by compose itself: a push is run, what is stored stays, and nothing is left behind."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.conftest import ROOT
from tests.deploy.stack import PASSWORD, Stack
from tests.end_to_end.origin import Origin
from tests.runner.source.gitserver import git_server
from tests.waiting import wait_until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

WORKFLOW = """
steps:
  greet:
    image: {image}
    commands:
      - echo "hello from $CI_COMMIT_BRANCH" | tee hello.txt
    artifacts: hello.txt
"""
LONG = "steps:\n  long: {{image: {image}, commands: 'echo begun; sleep 300'}}\n"
SHORT_DRAIN = """
services:
  worker:
    command: [worker, --drain, "2"]
"""
BACKUP = "headrace backup /tmp/backup >&2 && cat /tmp/backup && rm /tmp/backup"
RESTORE = "cat >/tmp/backup && headrace restore /tmp/backup"


def test_push_is_run_and_what_came_of_it_outlives_a_restart(stack: Stack, tmp_path: Path, busybox: str) -> None:
    stack.make_account("ada")
    origin = Origin(tmp_path)
    with git_server(tmp_path, stack.gateway()) as forge:
        stack.add_repository(origin, f"{forge.url}/origin.git")
        run = stack.ended(stack.run_of(origin.push(_headrace_yaml=WORKFLOW.format(image=busybox))))
        assert run["status"] == "success", run
        assert_results_are_there(stack, run)
        stack.compose("restart")
        stack.once_well()
        assert_results_are_there(stack, run)
        again = stack.ended(stack.run_of(origin.push()))
        assert (again["number"], again["status"]) == (2, "success")
    assert page_of_ada(stack, "/account") == 200
    assert stack.made_by_its_worker() == []


def assert_results_are_there(stack: Stack, run: dict[str, Any]) -> None:
    log = stack.get(f"/api/runs/{run['id']}/jobs/{run['jobs'][0]['name']}/steps/greet/log").text
    assert "hello from main\n" in log
    [artifact] = stack.get(f"/api/runs/{run['id']}/artifacts").json()["artifacts"]
    assert stack.get(artifact["url"].removeprefix(stack.url)).content == b"hello from main\n"


def page_of_ada(stack: Stack, path: str) -> int:
    """The status of the answer when ada has logged in and looks at a page."""
    with stack.browser() as browser:
        assert browser.post("/login", data={"name": "ada", "password": PASSWORD}).status_code == 303
        return browser.get(path).status_code


def test_worker_that_compose_ends_stops_its_job_in_order(stack: Stack, tmp_path: Path, busybox: str) -> None:
    """Else compose would kill it after its time of grace, and the job's containers would be left."""
    stack.override(SHORT_DRAIN)
    stack.compose("up", "--detach")
    stack.once_well()
    origin = Origin(tmp_path)
    with git_server(tmp_path, stack.gateway()) as forge:
        stack.add_repository(origin, f"{forge.url}/origin.git")
        long = stack.run_of(origin.push(_headrace_yaml=LONG.format(image=busybox)))
        wait_until(lambda: is_under_way(stack, long), seconds=60, what="the step runs")
        stack.compose("stop", "worker")
        stopped = stack.ended(long)
    assert (stopped["status"], stopped["jobs"][0]["reason"]) == ("cancelled", "the worker was stopped")
    assert stack.made_by_its_worker() == []


def is_under_way(stack: Stack, run_id: str) -> bool:
    jobs = stack.get(f"/api/runs/{run_id}").json()["jobs"]
    return [step["status"] for job in jobs for step in job["steps"]] == ["running"]


def test_backup_is_restored_into_an_empty_volume_as_the_guide_says(stack: Stack) -> None:
    guide = (ROOT / "docs" / "install.md").read_text()
    assert all(f"'{command}'" in guide for command in (BACKUP, RESTORE))
    stack.make_account("ada")
    stack.headrace("repo", "add", "acme/web", "--forge", "git", "--clone-url", "https://git.example.org/acme/web.git")
    kept = stack.compose_bytes("exec", "-T", "server", "sh", "-c", BACKUP)
    stack.compose("down", "--volumes")
    stack.compose_bytes(*("run", "--rm", "--no-deps", "-T", "--entrypoint", "sh", "server", "-c", RESTORE), given=kept)
    stack.compose("up", "--detach")
    stack.once_well()
    assert page_of_ada(stack, "/acme/web") == 200


@pytest.fixture
def services() -> dict[str, dict[str, Any]]:
    """What compose.yaml says of each service."""
    services: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    return services


def test_compose_publishes_only_on_loopback(services: dict[str, dict[str, Any]]) -> None:
    """Whoever wants the world to reach it puts a proxy with TLS in front, and says so."""
    published = [str(port) for service in services.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_compose_gives_the_engine_to_the_worker_alone(services: dict[str, dict[str, Any]]) -> None:
    assert [name for name, service in services.items() if "docker.sock" in str(service["volumes"])] == ["worker"]


def test_compose_redis_has_no_network_never_evicts_and_survives_a_restart(services: dict[str, dict[str, Any]]) -> None:
    redis = services["redis"]
    assert redis["network_mode"] == "none"
    assert {"--port 0", "--maxmemory-policy noeviction", "--appendonly yes"} <= {
        f"--{option.strip()}" for option in redis["command"].split("--")
    }
