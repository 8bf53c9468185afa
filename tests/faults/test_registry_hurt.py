"""A real registry has a bad day while a step's image is pulled from it: the step runs all the same."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pipelines.records import Stream
from pipelines.status import Status
from tests.runner.engine.door import Door
from tests.runner.engine.registries import PrivateRegistry
from tests.runner.world import Result, World

pytestmark = pytest.mark.docker


@pytest.fixture
def registry(tmp_path: Path, busybox: str) -> Iterator[PrivateRegistry]:
    """A docker-registry with `tool:1`, an image with a shell and a layer that no engine has. A test may end it."""
    (tmp_path / "new").write_bytes(os.urandom(1_000_000))
    with closing(PrivateRegistry(tmp_path)) as registry:
        name = f"{registry.address}/tool:1"
        container = docker("create", busybox)
        docker("cp", str(tmp_path / "new"), f"{container}:/new")
        docker("commit", container, name)
        docker("rm", container)
        docker("push", name)
        docker("image", "rm", name)
        yield registry


def docker(*arguments: str) -> str:
    """What a docker command prints."""
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def door(registry: PrivateRegistry) -> Iterator[Door]:
    """A way to it, and no image that came by it is left."""
    with closing(Door(registry.address, part="/manifests/")) as door:
        yield door
        subprocess.run(["docker", "image", "rm", f"{door.address}/tool:1"], check=False, capture_output=True)


@pytest.mark.parametrize("part", ["/manifests/", "/blobs/"])
@pytest.mark.parametrize("status", [429, 500, 503])
def test_image_comes_after_all_though_the_registry_refuses_at_first(
    world: World, door: Door, status: int, part: str
) -> None:
    """The engine itself asks twice for a manifest, and more often for a layer."""
    door.part, door.refusals = part, [status] * 3
    result = _run(world, door)
    assert door.refusals == []
    assert result.lines("a", Stream.STDOUT) == ["here"]


@pytest.mark.parametrize("seconds", [2, pytest.param(20, marks=pytest.mark.long)])
def test_image_comes_once_a_registry_is_back_that_went_in_the_middle_of_the_pull(
    world: World, door: Door, registry: PrivateRegistry, tmp_path: Path, seconds: float
) -> None:
    """It goes when the first layer is asked for."""
    door.part, door.refusals = "/blobs/", [500]
    over = threading.Event()

    def go_and_come_back() -> None:
        door.met.wait(150)
        registry.close()
        time.sleep(seconds)  # what is tested is time
        with closing(PrivateRegistry(tmp_path)) as back:
            door.behind = back.address
            over.wait()

    trouble = threading.Thread(target=go_and_come_back)
    trouble.start()
    try:
        result = _run(world, door)
    finally:
        over.set()
        trouble.join()
    assert result.lines("a", Stream.STDOUT) == ["here"]


def _run(world: World, door: Door) -> Result:
    result = world.run(world.step("a", "echo here", image=f"{door.address}/tool:1"), run="registry")
    assert result.status is Status.SUCCESS, result.records[-2:]
    return result
