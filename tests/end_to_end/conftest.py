"""The service that a test works with: all in one, or in halves with a Redis that the test can look into and stop."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.service import Service
from tests.private_redis import PrivateRedis


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """Nothing of it runs yet; `up()` starts it with a Redis of its own."""
    service = Service(directory_in(tmp_path))
    yield service
    service.end()


@pytest.fixture
def halves(tmp_path: Path, redis: PrivateRedis) -> Iterator[Service]:
    """Nothing of it runs yet; `server()` and `worker()` start its halves."""
    service = Service(directory_in(tmp_path), redis_url=redis.url)
    yield service
    service.end()


def directory_in(tmp_path: Path) -> Path:
    """The service's own directory, beside which a test may have others."""
    directory = tmp_path / "service"
    directory.mkdir()
    return directory
