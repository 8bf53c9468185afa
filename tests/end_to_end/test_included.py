"""Steps of another repository: a push runs them, the run says of which commit, and again means the same one."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.end_to_end.origin import Origin
from tests.end_to_end.service import Service
from tests.gitrepo import GitRepository
from tests.runner.source.gitserver import GitServer, git_server

pytestmark = [pytest.mark.docker, pytest.mark.redis]

TEMPLATE = "steps: {{greet: {{image: {image}, commands: echo {word}}}}}"
INCLUDE = "include: {repo: acme/ci, ref: main, path: greet.yaml}"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    with git_server(tmp_path) as server:
        yield server


def test_included_step_runs_and_runs_again_at_the_same_commit(
    halves: Service, server: GitServer, tmp_path: Path, busybox: str
) -> None:
    origin, templates = Origin(tmp_path / "acme"), GitRepository(tmp_path / "ci")
    first = templates.commit(**{"greet.yaml": TEMPLATE.format(image=busybox, word="first")})
    server.publish(templates, "acme/ci")
    halves.server()
    halves.worker()
    halves.add_repository(origin, clone_url=f"{server.url}/acme/origin.git")
    run = halves.workflow_run(origin, _headrace_yaml=INCLUDE)
    assert run["status"] == "success", run
    assert log_of(halves, run["id"]).endswith("+ echo first\nfirst\n")
    assert run["event"]["included"] == [{"repository": f"{server.url}/acme/ci.git", "ref": "main", "sha": first}]
    page = halves.get(f"/acme/web/runs/{run['number']}").text
    assert f"includes <bdi>{server.url}/acme/ci.git main at {first[:12]}</bdi>" in page

    templates.commit(**{"greet.yaml": TEMPLATE.format(image=busybox, word="second")})
    server.publish(templates, "acme/ci")
    asked = httpx.post(f"{halves.url}/api/runs", json={"again": run["id"]}, headers=halves.authorization())
    again = halves.finished_run(asked.json()["id"])
    assert log_of(halves, again["id"]).endswith("+ echo first\nfirst\n")
    pushed = halves.workflow_run(origin, more="1")
    assert log_of(halves, pushed["id"]).endswith("+ echo second\nsecond\n")


def log_of(service: Service, run: str) -> str:
    return service.get(f"/api/runs/{run}/jobs/headrace/steps/greet/log").text
