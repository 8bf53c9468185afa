"""A team whose service gets hurt: a server, workers and a Redis apart, and what must be true however it ends."""

import os
import re
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from redis.exceptions import RedisError

from runner.engine.client import Engine
from runner.engine.ownership import RUN
from tests.databases import give_tables
from tests.end_to_end.origin import Origin
from tests.end_to_end.service import Process, Service
from tests.private_redis import PrivateRedis
from tests.waiting import wait_until

LINES = 300
_COUNT = f"i=0; while [ $i -lt {LINES} ]; do i=$((i+1)); echo line $i; sleep 0.01; done"
_WORKFLOW = """
steps:
  count: {{image: {image}, commands: '{commands}'}}
  mourn: {{image: {image}, commands: echo alas, when: {{status: [success, failure]}}}}
"""
_ENDS = {"success", "failure", "error", "cancelled", "timed_out", "skipped", "lost"}
_LEASE_SECONDS = 3


class Team:
    """A repository that is pushed to, and the service that runs what it says."""

    def __init__(
        self, directory: Path, redis: PrivateRedis, engine: Engine, image: str, environment: Mapping[str, str]
    ) -> None:
        self.redis = redis
        settings = {"HEADRACE_LEASE_SECONDS": str(_LEASE_SECONDS), "HEADRACE_GRACE_SECONDS": "1"}
        self.service = Service(directory, redis_url=redis.url, environment={**settings, **environment})
        give_tables(f"sqlite:///{self.service.data}/headrace.sqlite")
        self.server = self.service.server()
        self.worker = self.service.worker()
        self._engine = engine
        self._image = image
        self._origin = Origin(directory)
        self.service.add_repository(self._origin)

    def push(self, commands: str = _COUNT) -> str:
        """Push a workflow whose step counts lines, or does this; gives the run's id."""
        workflow = _WORKFLOW.format(image=self._image, commands=commands)
        return self.service.run_of(self._origin.push(_headrace_yaml=workflow, change=os.urandom(8).hex()))

    def push_counting(self) -> str:
        """Push the workflow, and wait until its step counts."""
        run_id = self.push()
        wait_until(lambda: self.lines(run_id), seconds=30, what="the step prints")
        return run_id

    def again(self, run_id: str) -> str:
        """Have a run run once more; gives the new one's id."""
        address, headers = f"{self.service.url}/api/runs", self.service.authorization()
        answer = httpx.post(address, json={"again": run_id}, headers=headers, timeout=10)
        new: str = answer.json()["id"]
        return new

    def lines(self, run_id: str) -> list[int]:
        """The numbers of the counted lines in what the server has of the step's log."""
        jobs = self.service.run(run_id)["jobs"]
        if not jobs or jobs[0]["steps"][0]["status"] == "pending":
            return []
        path = f"/api/runs/{run_id}/jobs/{jobs[0]['name']}/steps/count/log"
        return numbers_in(self.service.get(path).text)

    def ended(self, run_id: str, *, seconds: float = 60) -> dict[str, Any]:
        """The run once it has ended, after a look at what must be true of every run that has."""
        run = self.service.finished_run(run_id, seconds=seconds)
        assert run["status"] in _ENDS, run
        for each in (*run["jobs"], *(step for job in run["jobs"] for step in job["steps"])):
            assert each["status"] in _ENDS, run
        if run["status"] == "success":
            assert self.lines(run_id) == list(range(1, LINES + 1))
        elif run["jobs"]:
            lines = self.lines(run_id)
            assert lines == list(range(1, len(lines) + 1)), "none is missing before the last, and none is twice"
        wait_until(lambda: self.is_swept(run_id), seconds=60, what=f"nothing is left of {run_id}")
        wait_until(self.is_taken, seconds=20, what="the server has taken every Record")
        assert self.service.run(run_id) == run, "an end is the end"
        return run

    def left_of(self, run_id: str) -> list[str]:
        """What the engine holds of a run."""
        label = f"{RUN}={run_id}"
        found = (*self._engine.containers(label), *self._engine.networks(label), *self._engine.volumes(label))
        return [each.name for each in found]

    def is_swept(self, run_id: str) -> bool:
        """True if the engine holds nothing of a run."""
        return self.left_of(run_id) == []

    def is_taken(self) -> bool:
        """True if no Record waits in Redis."""
        try:
            return self.redis.client().xlen("headrace:records") == 0
        except RedisError:
            return False


def horses(worker: Process) -> list[int]:
    """The process ids of a worker's work horses."""
    return [int(pid) for pid in Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()]


def signal_all(worker: Process, number: signal.Signals) -> None:
    """Send a signal to a worker and its horse, as if the machine stopped or went on."""
    for pid in (worker.pid, *horses(worker)):
        os.kill(pid, number)


def numbers_in(pages: str) -> list[int]:
    """The numbers of the counted lines in what a viewer has seen."""
    return [int(number) for number in re.findall(r"^line (\d+)$", pages, re.MULTILINE)]
