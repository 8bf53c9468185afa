"""What the engine keeps of a container, looked at while its step runs."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

from pipelines.plan import PlannedStep
from pipelines.records import AnyRecord
from runner.engine.ownership import ROLE, RUN
from tests.runner.world import Result, World, wait_for, when_it_says


def inspect(container: str) -> dict[str, Any]:
    """What the engine keeps of a container."""
    answer = subprocess.run(["docker", "inspect", container], check=True, capture_output=True, text=True)
    found: list[dict[str, Any]] = json.loads(answer.stdout)
    return found[0]


def containers_of(run: str) -> list[dict[str, Any]]:
    """The containers of a run's steps and services."""
    command = ["docker", "ps", "--quiet", "--no-trunc", "--filter", f"label={RUN}={run}"]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return [each for each in map(inspect, found) if ROLE not in each["Config"]["Labels"]]


UNTIL_SEEN = f"echo up; {wait_for('/headrace/src/seen')}"
"""The last command of a step that is looked at: it ends once that is done."""


def look_once_up(world: World, run: str, seen: list[dict[str, Any]]) -> Callable[[AnyRecord], None]:
    """A watcher that looks at all containers of the run once a step says `up`, and then lets it end."""

    def look() -> None:
        seen.extend(containers_of(run))
        world.touch("seen", run=run)

    return when_it_says("up", look)


def seen_while_it_runs(world: World, step: PlannedStep, *, run: str) -> tuple[dict[str, Any], Result]:
    """The container of a step that goes on `UNTIL_SEEN`, and what became of the step."""
    seen: list[dict[str, Any]] = []
    result = world.run(step, run=run, watch=look_once_up(world, run, seen))
    assert len(seen) == 1, result.job.reason
    return seen[0], result
