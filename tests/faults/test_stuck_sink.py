"""A Sink that takes no Record any more, as a pipe to a pager does: who is told to stop doesn't wait for it."""

import threading

import pytest

from pipelines.records import AnyRecord, Log
from pipelines.status import Status
from runner.engine.client import Engine
from runner.engine.ownership import ROLE, RUN
from runner.stop import Stop
from tests.runner.world import World
from tests.waiting import wait_until

pytestmark = pytest.mark.docker


@pytest.mark.parametrize(
    "commands",
    ["echo up; yes", "echo up; sleep 600", "trap '' TERM; echo up; while :; do echo more; sleep 0.1; done"],
    ids=["prints without end", "is silent", "ignores SIGTERM"],
)
def test_container_of_a_cancelled_step_goes_though_nobody_takes_what_it_printed(
    world: World, engine: Engine, commands: str
) -> None:
    stop, stuck, go_on = Stop(), threading.Event(), threading.Event()
    statuses: list[Status] = []

    def watch(record: AnyRecord) -> None:
        if isinstance(record, Log) and "up" in record.lines:
            stuck.set()
            go_on.wait()

    def run() -> None:
        statuses.append(world.run(world.step("talker", commands), stop=stop, watch=watch, run="stuck").status)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert stuck.wait(150)
        stop.request(Status.CANCELLED, "enough")
        wait_until(
            lambda: all(ROLE in each.labels for each in engine.containers(f"{RUN}=stuck")),
            what="the step's container is gone",
        )
        assert thread.is_alive(), "the Sink is still stuck"
    finally:
        go_on.set()
        thread.join()
    assert statuses == [Status.CANCELLED]
    assert engine.containers(f"{RUN}=stuck") == []
