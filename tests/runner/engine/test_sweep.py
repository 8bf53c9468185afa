"""The sweep: what killed processes left goes, and nothing else does."""

import subprocess
import sys

import pytest

from runner.backend import Ticket
from runner.engine.client import Engine
from runner.engine.containers import DockerBackend
from runner.engine.ownership import Owner, this_process
from runner.engine.sweep import sweep
from runner.stop import Stop
from tests.runner.engine.belongings import OURS, left, sandboxes
from tests.runner.engine.sites import empty_tree
from tests.runner.world import World
from tests.waiting import wait_until

pytestmark = pytest.mark.docker


LEAVE_BEHIND = """
import sys
from pathlib import Path
from runner.backend import Ticket
from runner.config import Config
from runner.engine.containers import DockerBackend
from runner.engine.ownership import this_process
from tests.runner.world import World
backend = DockerBackend(sys.argv[1], owner=this_process(sys.argv[3]))
world = World(backend=backend, image=sys.argv[2], directory=Path("/nowhere"))
world.run(world.step("a", "sleep 300"), run="killed")
"""


def test_a_sweep_removes_what_a_killed_process_left(engine: Engine, engine_url: str, busybox: str) -> None:
    victim = subprocess.Popen([sys.executable, "-c", LEAVE_BEHIND, engine_url, busybox, OURS])
    try:
        wait_until(lambda: len(left(engine, "killed")) == 6, what="the victim's step runs")
        assert sweep(engine, OURS).total == 0, "its process lives: nothing may be touched"
        assert len(left(engine, "killed")) == 6
    finally:
        victim.kill()
        victim.wait()
    sweep(engine, this_process().host)
    assert len(left(engine, "killed")) == 6, "it was on another host"
    swept = sweep(engine, OURS)
    assert left(engine, "killed") == []
    assert (swept.containers, swept.networks, swept.volumes) == (3, 1, 2)


@pytest.mark.parametrize(
    ("owner", "things_left"),
    [
        (Owner(host=OURS, process="1.0.another-boot"), 0),
        (Owner(host=f"not-{OURS}", process="1.0.another-boot"), 5),
        (this_process(OURS), 5),
    ],
)
def test_a_sweep_spares_the_living_and_other_hosts(
    containers: World, engine: Engine, engine_url: str, owner: Owner, things_left: int
) -> None:
    backend = DockerBackend(engine_url, owner=owner)
    site = backend.open(containers.job(containers.step("a")), Ticket(run="swept", job="b"), empty_tree, Stop())
    try:
        site.wait_until_open()
        wait_until(
            lambda: any(engine.state(each).is_running for each in sandboxes(engine, "swept")), what="its lane is up"
        )
        wait_until(lambda: len(left(engine, "swept")) == 5, what="all is made")
        sweep(engine, OURS)
        assert len(left(engine, "swept")) == things_left
    finally:
        site.close()
        backend.close()
