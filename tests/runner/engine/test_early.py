"""What is begun before a run is planned: the first job takes it, or it goes again."""

from contextlib import closing

import pytest

from pipelines.status import Status
from runner.backend import Ticket
from runner.config import Config
from runner.engine.client import Engine
from runner.engine.configured import docker_backend
from runner.engine.containers import DockerBackend
from runner.engine.ground import ROOM_AHEAD
from runner.engine.ownership import RUN
from runner.errors import BackendError
from tests.runner.engine.belongings import left, sandboxes
from tests.runner.engine.sites import open_site
from tests.runner.world import World
from tests.waiting import wait_until

pytestmark = pytest.mark.docker


def test_what_was_begun_ahead_is_the_first_jobs(engine_url: str, engine: Engine, containers: World) -> None:
    with closing(DockerBackend(engine_url)) as backend:
        containers.backend = backend
        backend.begin("ahead")
        wait_until(lambda: len(sandboxes(engine, "ahead")) == 1, what="its sandbox is made")
        wait_until(lambda: len(engine.networks(f"{RUN}=ahead")) == 1, what="its network, too")
        [network] = [each.name for each in engine.networks(f"{RUN}=ahead")]
        with closing(open_site(containers, "ahead")):
            assert [each.name for each in engine.networks(f"{RUN}=ahead")] == [network]
        assert left(engine, "ahead") == []
        assert containers.run(containers.step("a"), run="ahead").status is Status.SUCCESS
    assert left(engine, "ahead") == []


def test_what_was_begun_for_no_job_goes_with_the_backend(engine_url: str, engine: Engine) -> None:
    with closing(DockerBackend(engine_url)) as backend:
        backend.begin("vain")
    assert left(engine, "vain") == []


def test_what_was_begun_for_a_run_goes_again_if_no_backend_comes_of_it(
    engine_url: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> None:
        wait_until(lambda: bool(left(engine, "dashed")), what="something is there already")
        raise BackendError("the engine broke")

    monkeypatch.setattr("runner.engine.configured.remove_outdated", fail)
    with pytest.raises(BackendError, match="the engine broke"):
        docker_backend(Config.read({"DOCKER_HOST": engine_url}), begin_for="dashed")
    assert left(engine, "dashed") == []


def test_what_was_begun_is_not_for_a_job_that_needs_a_larger_network(engine_url: str, engine: Engine) -> None:
    with closing(DockerBackend(engine_url)) as backend:
        backend.begin("small")
        ground = backend.ground_for(Ticket(run="large", job="build"), addresses=ROOM_AHEAD + 1)
        try:
            ground.sandboxes.wait_for_network(0)
            assert len(engine.networks(f"{RUN}=large")) == 1
        finally:
            ground.clear()
    assert left(engine, "small") == left(engine, "large") == []
