"""What tests of faults share: a world on the tests' engine, with a short grace."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from runner.engine.containers import DockerBackend
from tests.runner.world import World


@pytest.fixture
def world(engine_url: str, busybox: str, tmp_path: Path) -> Iterator[World]:
    """A world on the tests' engine."""
    with closing(DockerBackend(engine_url, stop_grace_seconds=1)) as backend:
        yield World(backend=backend, image=busybox, directory=tmp_path)
