"""A team whose service gets hurt: a forge, a server, workers and a Redis apart, and what must be true at the end."""

import os
import re
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from redis.exceptions import RedisError

from pipelines.records import AnyRecord, decode
from runner.engine.client import Engine
from runner.engine.ownership import ROLE, RUN
from tests.databases import give_tables
from tests.end_to_end.origin import Origin
from tests.end_to_end.service import Process, Service
from tests.end_to_end.test_forges_page import deliver
from tests.end_to_end.test_statuses import connect
from tests.faults.truth import assert_log_exact, assert_one_end, assert_told_once
from tests.private_redis import PrivateRedis
from tests.waiting import wait_until
from tests.worker.statuses.fakeforge import FakeForge, fake_forge

LINES = 300
LEASE_SECONDS = 6
NEVER_END = "sleep 600"
"""For a step that is still to be under way when something happens to it."""
_COUNT = f"i=0; while [ $i -lt {LINES} ]; do i=$((i+1)); echo line $i; sleep 0.01; done"
_COUNTED = tuple(f"line {number}" for number in range(1, LINES + 1))
_WORKFLOW = """
steps:
  count: {{image: {image}, commands: '{commands}'}}
  mourn: {{image: {image}, commands: echo alas, when: {{status: [success, failure]}}}}
"""


class Team:
    """A repository that is pushed to, and the service that runs what it says."""

    def __init__(self, service: Service, redis: PrivateRedis, engine: Engine, image: str, forge: FakeForge) -> None:
        self.service = service
        self.redis = redis
        self.forge = forge
        give_tables(f"sqlite:///{service.data}/headrace.sqlite")
        self.server = service.server()
        self.worker = service.worker()
        self._engine = engine
        self._image = image
        self._origin = Origin(service.directory)
        self._hook = connect(service, forge, self._origin)
        self._printed: dict[str, tuple[str, ...]] = {}
        self._server_was_killed = False

    def push(self, commands: str = _COUNT, *, prints: tuple[str, ...] = _COUNTED) -> str:
        """Push a workflow whose step counts lines, or does this and prints that; gives the run's id."""
        return self._push(_WORKFLOW.format(image=self._image, commands=commands), prints)

    def push_idle(self) -> str:
        """Push a workflow that is for another branch; gives the run's id."""
        return self._push("when: {branch: other}\nsteps: {never: {image: never, commands: 'false'}}\n", ())

    def _push(self, workflow: str, prints: tuple[str, ...]) -> str:
        self._origin.push(_headrace_yaml=workflow, change=os.urandom(8).hex())
        sha = self._origin.developer.git("rev-parse", "HEAD")
        answer = deliver("github", self._hook, sha, delivery=sha)
        assert answer.status_code == 202, answer.text
        run_id: str = answer.json()["run"]
        assert run_id not in self._printed
        self._printed[run_id] = prints
        return run_id

    def push_counting(self, *, then: str = "true") -> str:
        """Push the workflow, whose step does this when it has counted, and wait until it counts."""
        run_id = self.push(f"{_COUNT}; {then}")
        wait_until(lambda: self.counts(run_id), seconds=150, what="the step prints")
        return run_id

    def counts(self, run_id: str) -> bool:
        """True once the server has a line that the step of this run has counted."""
        jobs = self.service.run(run_id)["jobs"]
        if not jobs or jobs[0]["steps"][0]["status"] == "pending":
            return False
        path = f"/api/runs/{run_id}/jobs/{jobs[0]['name']}/steps/count/log"
        return bool(numbers_in(self.service.get(path).text))

    def kill_server(self) -> None:
        """End the server without a chance to note what it has just done."""
        self._server_was_killed = True
        self.server.end(signal.SIGKILL)

    def ended(self, run_id: str, *, seconds: float = 150) -> dict[str, Any]:
        """The run once it has ended, after a look at all that must be true of every run that has."""
        run = self.service.finished_run(run_id, seconds=seconds)
        wait_until(lambda: self.is_swept(run_id), seconds=150, what=f"nothing is left of {run_id}")
        wait_until(self.is_taken, seconds=150, what="the server has taken every Record")
        records = self.records(run_id)
        assert_one_end(run, records)
        assert_log_exact(records, "count", self._printed[run_id], is_whole=run["status"] == "success")
        assert_told_once(self.forge, run, is_repeated=self._server_was_killed)
        assert self.service.run(run_id) == run, "an end is the end"
        return run

    def look_back(self) -> list[dict[str, Any]]:
        """All runs, which are those that were pushed for, after a look at all that must be true of each."""
        found = self.service.get("/api/runs?limit=200").json()["runs"]
        assert sorted(run["id"] for run in found) == sorted(self._printed), "none is lost, and none is there twice"
        return [self.ended(run_id) for run_id in self._printed]

    def assert_no_more_is_told(self, runs: list[dict[str, Any]]) -> None:
        """Nothing has come to the forge over an end of these runs."""
        for run in runs:
            assert_told_once(self.forge, run, is_repeated=self._server_was_killed)

    def records(self, run_id: str) -> list[AnyRecord]:
        """A run's whole history, log lines too."""
        text = self.service.get(f"/api/runs/{run_id}/records?logs=1&format=jsonl").content
        return [decode(line) for line in text.splitlines()]

    def left_of(self, run_id: str) -> list[str]:
        """What the engine holds of a run."""
        label = f"{RUN}={run_id}"
        found = (*self._engine.containers(label), *self._engine.networks(label), *self._engine.volumes(label))
        return [each.name for each in found]

    def steps_of(self, run_id: str) -> list[str]:
        """The containers of a run's steps, running and made ready."""
        return [each.name for each in self._engine.containers(f"{RUN}={run_id}") if ROLE not in each.labels]

    def is_swept(self, run_id: str) -> bool:
        """True if the engine holds nothing of a run."""
        return self.left_of(run_id) == []

    def is_taken(self) -> bool:
        """True if no Record waits in Redis."""
        try:
            return self.redis.client().xlen("headrace:records") == 0
        except RedisError:
            return False


@contextmanager
def hurt_team(
    directory: Path,
    redis: PrivateRedis,
    engine: Engine,
    image: str,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Team]:
    """A team within the block, at whose end all that must be true is looked at, for every run."""
    settings = {"HEADRACE_LEASE_SECONDS": str(LEASE_SECONDS), "HEADRACE_GRACE_SECONDS": "1", **environment}
    service = Service(directory, redis_url=redis.url, environment=settings)
    with fake_forge() as forge:
        try:
            team = Team(service, redis, engine, image, forge)
            yield team
            runs = team.look_back()
        finally:
            service.end()
        team.assert_no_more_is_told(runs)


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
