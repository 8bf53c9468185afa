"""A cancel at any moment: never a success once it was accepted, every step with one end, and nothing left."""

import random
import sys
import threading

import pytest

from pipelines.records import AnyRecord, JobFinished, StepFinished
from pipelines.status import Status
from runner.engine.client import Engine
from runner.engine.ownership import PROCESS, RUN, this_process
from runner.stop import Stop
from tests.runner.world import FAILURE, World

pytestmark = pytest.mark.docker

LONGEST_SECONDS = 1.5


@pytest.mark.parametrize("times", [8, pytest.param(100, marks=[pytest.mark.long, pytest.mark.timeout(900)])])
def test_job_that_is_cancelled_at_a_random_moment_is_never_a_success(world: World, engine: Engine, times: int) -> None:
    seed = random.randrange(10**6)  # noqa: S311 - no secret
    dice = random.Random(seed)  # noqa: S311 - no secret
    sys.stdout.write(f"seed {seed}\n")
    ends = [_cancelled_after(world, dice.uniform(0, LONGEST_SECONDS), f"cancelled-{number}") for number in range(times)]
    assert Status.CANCELLED in ends
    assert {each for each in ends if each is not Status.CANCELLED} <= {Status.SUCCESS}
    found = (*engine.containers(RUN), *engine.networks(RUN), *engine.volumes(RUN))
    assert [each.name for each in found if each.labels[PROCESS] == this_process().process] == []


def _cancelled_after(world: World, seconds: float, run: str) -> Status:
    """What becomes of a job with steps one after another and side by side, a service, and one that mourns."""
    stop, was_late = Stop(), [False]

    def watch(record: AnyRecord) -> None:
        if isinstance(record, StepFinished) and record.step == "last":
            was_late[0] = not stop.requested

    steps = world.chain(world.step("a", "sleep 0.2"), world.step("b", "sleep 0.2"), world.step("last", "sleep 0.2"))
    beside = world.step("beside", "sleep 0.3")
    mourn = world.step("mourn", "true", on=FAILURE, depends_on=("last",))
    timer = threading.Timer(seconds, stop.request, (Status.CANCELLED, "enough"))
    timer.start()
    result = world.run(*steps, beside, mourn, services=(world.step("db", "sleep 60"),), stop=stop, watch=watch, run=run)
    timer.cancel()
    timer.join()
    assert isinstance(result.records[-1], JobFinished)
    assert sorted(result.statuses()) == ["a", "b", "beside", "db", "last", "mourn"]
    assert result.status is Status.CANCELLED or was_late[0], "the cancel had been accepted"
    if result.status is Status.CANCELLED:
        assert result.job.reason == "enough"
        assert not set(result.statuses().values()) & {"failure", "error", "timed_out"}
    return result.status
