"""What tests of every package share: a container engine with a small image on it, a Redis and a PostgreSQL."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from runner.engine.client import Engine
from tests.private_postgresql import PrivatePostgresql, private_postgresql
from tests.private_redis import PrivateRedis

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


@pytest.fixture
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateRedis]:
    """A running Redis that nobody else uses."""
    server = PrivateRedis(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PrivatePostgresql]:
    """A running PostgreSQL that nobody else uses."""
    with private_postgresql() as server:
        yield server


@pytest.fixture
def own_logging() -> Iterator[None]:
    """A test may set up logging as it likes: what pytest has set up comes back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
