"""What only Podman does or does not. That it keeps the whole contract, `tests/runner/test_execute.py` shows."""

from contextlib import closing

import pytest

from pipelines.details import ArtifactRule, Build
from pipelines.plan import PlannedStep
from pipelines.records import Stream
from pipelines.status import Status
from runner.engine.client import Engine, EngineKind
from runner.engine.ownership import RUN
from tests.runner.podman import PrivatePodman
from tests.runner.world import World

pytestmark = [pytest.mark.docker, pytest.mark.podman]


def test_an_engine_says_whose_it_is(engine: Engine, podman: PrivatePodman) -> None:
    with closing(Engine(podman.url)) as other:
        assert (engine.info().kind, other.info().kind) == (EngineKind.DOCKER, EngineKind.PODMAN)


def test_services_answer_to_their_names_and_nothing_is_left(pods: World, podman: PrivatePodman) -> None:
    service = pods.step("web", "mkdir /www; echo served > /www/index.html", "httpd -f -p 8080 -h /www")
    step = pods.step("a", "until wget -qO- http://web:8080; do sleep 0.05; done", timeout=60)
    result = pods.run(step, services=(service,), run="podman")
    assert result.lines("a", Stream.STDOUT) == ["served"]
    with closing(Engine(podman.url)) as engine:
        label = f"{RUN}=podman"
        assert [*engine.containers(label), *engine.networks(label), *engine.volumes(label)] == []


def test_a_build_is_refused_with_the_reason(pods: World) -> None:
    step = PlannedStep(name="a", image="", build=Build(context="."), commands=("true",))
    result = pods.run(step, files={"Dockerfile": "FROM busybox\n"})
    assert result.finished("a").status is Status.ERROR
    assert result.finished("a").reason.startswith("build .: Podman's API builds in the network of its own machine")


def test_a_directory_that_is_a_link_is_not_taken_for_an_artifact(pods: World) -> None:
    made = "mkdir real; echo kept > real/f; ln -s real linked"
    rules = (ArtifactRule(paths=("real/*",)), ArtifactRule(paths=("linked/*",)))
    result = pods.run(pods.step("a", made, artifacts=rules))
    assert result.lines("a", Stream.SYSTEM) == ["artifacts: no file matches linked/*"]
