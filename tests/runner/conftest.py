"""Worlds to run jobs in: the scripted one, one on a real engine, and both in turn for what every backend promises."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from runner.engine.containers import DockerBackend
from tests.runner.limits import Limits
from tests.runner.podman import PrivatePodman
from tests.runner.scripted import ScriptedBackend
from tests.runner.world import World


@pytest.fixture
def backend(engine_url: str) -> Iterator[DockerBackend]:
    """A Docker backend."""
    backend = DockerBackend(engine_url)
    yield backend
    backend.close()


@pytest.fixture
def containers(backend: DockerBackend, busybox: str, tmp_path: Path) -> World:
    """A world of containers."""
    return World(backend=backend, image=busybox, directory=tmp_path)


@pytest.fixture
def strict(engine_url: str, busybox: str, tmp_path: Path) -> Iterator[World]:
    """A world of containers that are killed soon after they were told to stop."""
    with closing(DockerBackend(engine_url, stop_grace_seconds=2)) as backend:
        yield World(backend=backend, image=busybox, directory=tmp_path)


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Limits:
    """Time limits that are over when the test says so: no clock looks at them meanwhile."""
    limits = Limits()
    monkeypatch.setattr("runner.deadline.Timer", limits.timer)
    return limits


@pytest.fixture(scope="session")
def podman(busybox: str) -> Iterator[PrivatePodman]:
    """A Podman service with a busybox image."""
    service = PrivatePodman()
    try:
        service.load(busybox)
        yield service
    finally:
        service.close()


@pytest.fixture
def pods(podman: PrivatePodman, busybox: str, tmp_path: Path) -> Iterator[World]:
    """A world of Podman's containers."""
    with closing(DockerBackend(podman.url)) as backend:
        yield World(backend=backend, image=busybox, directory=tmp_path)


@pytest.fixture(
    params=[
        "scripted",
        pytest.param("docker", marks=pytest.mark.docker),
        pytest.param("podman", marks=[pytest.mark.docker, pytest.mark.podman]),
    ]
)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """Each world in turn: what is tested with it is promised by every backend."""
    if request.param == "scripted":
        return World(backend=ScriptedBackend(), image="scripted", directory=tmp_path)
    found: World = request.getfixturevalue({"docker": "containers", "podman": "pods"}[request.param])
    return found
