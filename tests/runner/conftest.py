"""Worlds to run jobs in: the scripted one, one on a real engine, and both in turn for what every backend promises."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.engine.containers import DockerBackend
from tests.runner.scripted import ScriptedBackend
from tests.runner.world import World


@pytest.fixture
def backend(engine_url: str) -> Iterator[DockerBackend]:
    """A Docker backend with a short grace."""
    backend = DockerBackend(engine_url, stop_grace_seconds=2)
    yield backend
    backend.close()


@pytest.fixture
def containers(backend: DockerBackend, busybox: str, tmp_path: Path) -> World:
    """A world of containers."""
    return World(backend=backend, image=busybox, directory=tmp_path)


@pytest.fixture(params=["scripted", pytest.param("docker", marks=pytest.mark.docker)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """Each world in turn: what is tested with it is promised by every backend."""
    if request.param == "scripted":
        return World(backend=ScriptedBackend(), image="scripted", directory=tmp_path)
    found: World = request.getfixturevalue("containers")
    return found
