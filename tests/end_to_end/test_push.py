"""The main job: a git push runs a workflow in containers, and its results come back."""

import signal
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.origin import Origin
from tests.end_to_end.service import Service
from tests.private_redis import PrivateRedis
from tests.waiting import PATIENCE_SECONDS, wait_until

pytestmark = [pytest.mark.docker, pytest.mark.redis]

WORKFLOW = """
steps:
  greet:
    image: {image}
    commands:
      - mkdir -p dist
      - echo "hello from $CI_COMMIT_BRANCH" | tee dist/hello.txt
      - echo to-stderr >&2
      - echo "run $CI_PIPELINE_NUMBER of $CI_REPO by $CI_COMMIT_AUTHOR at $CI_PIPELINE_URL"
    artifacts: dist/**
  check:
    image: {image}
    commands: test -s dist/hello.txt
"""
FAILING = """
steps:
  - name: fails
    image: {image}
    environment: [OLD=form]
    commands: exit 7
  - name: after
    image: {image}
    commands: echo never
"""


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin(tmp_path)


def test_push_runs_the_workflow_and_its_results_come_back(service: Service, origin: Origin, busybox: str) -> None:
    service.up()
    service.add_repository(origin)
    run = service.workflow_run(origin, _headrace_yaml=WORKFLOW.format(image=busybox))
    assert run["status"] == "success", run
    assert [(step["name"], step["status"], step["exit_code"]) for step in run["jobs"][0]["steps"]] == [
        ("greet", "success", 0),
        ("check", "success", 0),
    ]
    job = run["jobs"][0]["name"]
    log = service.get(f"/api/runs/{run['id']}/jobs/{job}/steps/greet/log").text
    assert "hello from main\n" in log
    assert "to-stderr\n" in log
    assert f"run 1 of acme/web by Ada at {service.url}/acme/web/runs/1\n" in log
    [artifact] = service.get(f"/api/runs/{run['id']}/artifacts").json()["artifacts"]
    assert artifact["path"] == "dist/hello.txt"
    assert service.get(artifact["url"].removeprefix(service.url)).content == b"hello from main\n"


def test_failed_step_fails_the_run_and_skips_the_rest(service: Service, origin: Origin, busybox: str) -> None:
    service.up()
    service.add_repository(origin)
    run = service.workflow_run(origin, _headrace_yaml=FAILING.format(image=busybox))
    assert run["status"] == "failure"
    assert [(step["status"], step["exit_code"]) for step in run["jobs"][0]["steps"]] == [
        ("failure", 7),
        ("skipped", None),
    ]
    [problem] = run["problems"]
    assert (problem["file"], problem["line"], problem["level"]) == (".headrace.yaml", 5, "warning")
    assert ".headrace.yaml:5" in service.get("/acme/web/runs/1").text


@pytest.mark.parametrize(
    ("workflow", "reason"),
    [
        ("steps: [", ".headrace.yaml:1:"),
        ("steps:\n  a:\n    imge: busybox\n", ".headrace.yaml:3:5: "),
        ("steps:\n  a:\n    image: 127.0.0.1:9/no/such-image\n    commands: 'true'\n", "127.0.0.1:9/no/such-image"),
    ],
)
def test_what_is_wrong_with_a_push_is_said_in_its_run(
    service: Service, origin: Origin, workflow: str, reason: str
) -> None:
    service.up()
    service.add_repository(origin)
    run = service.workflow_run(origin, _headrace_yaml=workflow)
    assert run["status"] == "error"
    reasons = [run["reason"], *(step["reason"] for job in run["jobs"] for step in job["steps"])]
    assert any(reason in said for said in reasons), reasons


def test_push_without_a_workflow_file_says_so(service: Service, origin: Origin) -> None:
    service.up()
    service.add_repository(origin)
    run = service.workflow_run(origin, readme="nothing here")
    assert run["status"] == "error"
    assert "no workflow file" in run["reason"]


def test_repository_that_can_not_be_cloned_says_so(service: Service, origin: Origin) -> None:
    service.up()
    service.add_repository(origin)
    pushed = origin.push(readme="moving house")
    run = service.finished_run(service.run_of(pushed))
    origin.path.rename(origin.path.with_name("elsewhere.git"))
    origin.developer.git("remote", "set-url", "origin", str(origin.path.with_name("elsewhere.git")))
    run = service.finished_run(service.run_of(origin.push(readme="moved")))
    assert run["status"] == "error"
    assert str(origin.path) in run["reason"] or "does not appear to be a git repository" in run["reason"]


def test_server_that_is_killed_after_its_202_runs_the_push_once_it_is_back(
    halves: Service, origin: Origin, busybox: str
) -> None:
    server = halves.server()
    halves.add_repository(origin)
    run_id = halves.run_of(origin.push(_headrace_yaml=WORKFLOW.format(image=busybox)))
    server.end(signal.SIGKILL)
    halves.worker()
    halves.server()
    assert halves.finished_run(run_id)["status"] == "success"
    assert [run["id"] for run in halves.runs()] == [run_id]


def test_push_while_redis_is_away_is_accepted_and_runs_when_it_is_back(
    halves: Service, origin: Origin, redis: PrivateRedis, busybox: str
) -> None:
    halves.server()
    halves.worker()
    halves.add_repository(origin)
    redis.stop()
    run_id = halves.run_of(origin.push(_headrace_yaml=WORKFLOW.format(image=busybox)))
    assert halves.run(run_id)["status"] == "pending"
    redis.start()
    assert halves.finished_run(run_id)["status"] == "success"


def test_worker_that_is_killed_stops_its_containers_and_the_run_says_so(
    halves: Service, origin: Origin, busybox: str
) -> None:
    halves.server()
    worker = halves.worker()
    halves.add_repository(origin)
    sleeper = f"steps:\n  long:\n    image: {busybox}\n    commands: sleep 300\n"
    run_id = halves.run_of(origin.push(_headrace_yaml=sleeper))
    wait_until(lambda: _step_statuses(halves, run_id) == ["running"])
    worker.end(signal.SIGKILL)
    run = halves.finished_run(run_id)
    assert run["status"] == "lost"
    assert "worker" in run["jobs"][0]["reason"]


def test_cancelled_run_stops_its_containers_and_cleans_up_first(service: Service, origin: Origin, busybox: str) -> None:
    service.up()
    service.add_repository(origin)
    workflow = f"""
steps:
  long: {{image: {busybox}, commands: 'echo up; sleep 300'}}
  cleanup: {{image: {busybox}, commands: echo cleaned, when: {{status: [success, failure]}}}}
  after: {{image: {busybox}, commands: echo never}}
"""
    run_id = service.run_of(origin.push(_headrace_yaml=workflow))
    wait_until(lambda: _step_statuses(service, run_id)[:1] == ["running"])
    assert service.cancel(run_id).status_code == 202
    run = service.finished_run(run_id)
    assert (run["status"], run["reason"]) == ("cancelled", "cancelled by robot")
    assert _step_statuses(service, run_id) == ["cancelled", "success", "skipped"]


def test_service_that_is_told_to_end_lets_its_job_end(service: Service, origin: Origin, busybox: str) -> None:
    up = service.up(drain_seconds=PATIENCE_SECONDS)
    service.add_repository(origin)
    until_told = "until test -e /headrace-go; do sleep 0.1; done"
    run_id = service.run_of(
        origin.push(_headrace_yaml=f"steps:\n  short:\n    image: {busybox}\n    commands: {until_told}\n")
    )
    wait_until(lambda: _step_statuses(service, run_id) == ["running"])
    up.tell(signal.SIGTERM)
    wait_until(lambda: "waiting for jobs" in up.said(), what="it has begun to end")
    _let_go(run_id)
    assert up.exit_code() == 0
    service.up()
    assert service.run(run_id)["status"] == "success"


def _let_go(run_id: str) -> None:
    """Give the run's step what it waits for; whatever else the engine has of the run makes nothing of it."""
    listed = ["docker", "ps", "--quiet", "--filter", f"label=headrace.run={run_id}"]
    for container in subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split():
        subprocess.run(["docker", "exec", container, "touch", "/headrace-go"], check=False)


def _step_statuses(service: Service, run_id: str) -> list[str]:
    return [step["status"] for job in service.run(run_id)["jobs"] for step in job["steps"]]
