"""An upgrade in the middle of work: server and workers are told to end, and others take their place."""

import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.end_to_end.origin import Origin
from tests.end_to_end.service import Service
from tests.private_redis import PrivateRedis
from tests.waiting import wait_until

pytestmark = [pytest.mark.docker, pytest.mark.redis]

QUEUED = 20
QUICK = "steps:\n  quick: {{image: {image}, commands: echo done}}\n"
LONG = "steps:\n  long: {{image: {image}, commands: 'echo begun; sleep 300'}}\n"


@pytest.fixture
def halves(tmp_path: Path, redis: PrivateRedis) -> Iterator[Service]:
    service = Service(tmp_path, redis_url=redis.url)
    yield service
    for process in service.processes:
        process.tell(signal.SIGTERM)  # and again below: what still runs, if the test has failed, is stopped
    service.end()


def run_again(service: Service, run_id: str) -> str:
    answer = httpx.post(f"{service.url}/api/runs", json={"again": run_id}, headers=service.authorization())
    answer.raise_for_status()
    again: str = answer.json()["id"]
    return again


def seconds_since_told(redis: PrivateRedis) -> list[float]:
    """How long ago each of the workers has noted that it was told to end."""
    client = redis.client()
    noted = [client.hget(key, "shutdown_requested_date") for key in client.smembers("rq:workers")]
    return [
        (datetime.now(UTC) - datetime.fromisoformat(str(at, "ascii"))).total_seconds()
        for at in noted
        if isinstance(at, bytes)
    ]


def statuses_of_steps(run: dict[str, Any]) -> list[str]:
    return [step["status"] for job in run["jobs"] for step in job["steps"]]


def test_restart_loses_nothing_that_is_queued_and_says_what_it_stopped(
    halves: Service, tmp_path: Path, redis: PrivateRedis, busybox: str
) -> None:
    server = halves.server()
    workers = [halves.worker(), halves.worker()]
    origin = Origin(tmp_path)
    halves.add_repository(origin)
    quick = halves.workflow_run(origin, _headrace_yaml=QUICK.format(image=busybox))["id"]
    long = halves.run_of(origin.push(_headrace_yaml=LONG.format(image=busybox)))
    running = [long, run_again(halves, long)]
    wait_until(lambda: [statuses_of_steps(halves.run(run_id)) for run_id in running] == [["running"]] * 2)
    queued = [run_again(halves, quick) for _ in range(QUEUED)]

    assert server.end() == 0
    for worker in workers:
        worker.tell(signal.SIGTERM)  # which would let its job end, in five minutes
    # RQ passes over a second signal that comes at once.
    wait_until(
        lambda: [seconds > 1 for seconds in seconds_since_told(redis)] == [True, True], what="a second one counts"
    )
    for worker in workers:
        assert worker.end() == 0
    halves.server()
    for run_id in running:
        stopped = halves.finished_run(run_id)
        assert (stopped["status"], stopped["jobs"][0]["reason"]) == ("cancelled", "the worker was stopped")
        assert statuses_of_steps(stopped) == ["cancelled"]
    assert {halves.run(run_id)["status"] for run_id in queued} == {"pending"}
    halves.worker()
    assert [halves.finished_run(run_id, seconds=120)["status"] for run_id in queued] == ["success"] * QUEUED
    assert len(halves.get("/api/runs?limit=200").json()["runs"]) == QUEUED + 3
