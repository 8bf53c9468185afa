"""What tests of every package share: a container engine and a small image on it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.engine import Engine

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def engine_url() -> str:
    """The address of the engine that the tests use."""
    return os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"


@pytest.fixture(scope="session")
def engine(engine_url: str) -> Iterator[Engine]:
    """The engine at that address."""
    engine = Engine(engine_url)
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def busybox() -> str:
    """The name of a busybox image on the engine."""
    script = ROOT / "scripts" / "busybox_image.py"
    answer = subprocess.run([sys.executable, script], check=True, capture_output=True, text=True)
    return answer.stdout.strip()
