"""What tests of every package share: a container engine with a small image on it, a Redis and a PostgreSQL."""

import logging
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from runner.engine.client import Engine
from tests.leftovers import in_engine, on_this_machine
from tests.private_postgresql import PrivatePostgresql, private_postgresql
from tests.private_redis import PrivateRedis
from tests.session_directory import new_session_directory, remove_abandoned_directories, remove_session_directory
from tests.waiting import wait_until

ROOT = Path(__file__).parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--long` adds the tests that take minutes."""
    parser.addoption("--long", action="store_true", help="run also the tests that take minutes")


@pytest.hookimpl(tryfirst=True)  # before pytest chooses a place for what tests write
def pytest_configure(config: pytest.Config) -> None:
    """Give the session what it needs, and see to it that it can be interrupted."""
    _hear_signals()
    _log_plainly()
    remove_abandoned_directories()
    directory = new_session_directory()
    config.add_cleanup(lambda: remove_session_directory(directory))
    os.environ["TMPDIR"] = str(directory)
    tempfile.tempdir = None  # it knows of another already
    if config.option.basetemp is None:
        config.option.basetemp = directory / "t"


def _hear_signals() -> None:
    """Hear of Ctrl-C and its kin even if we were started deaf to them: else what tests start would be, too."""
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


def _log_plainly() -> None:
    """Log tracebacks as Python writes them: structlog's own, with all values, take seconds on a busy machine."""
    structlog.reset_defaults()
    *before, _renderer = structlog.get_config()["processors"]
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*before, plain])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long tests out, and have pytest count them as deselected, unless they are asked for."""
    if not config.getoption("--long"):
        long = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in set(long)]


@pytest.fixture(scope="session")
def engine_url() -> str:
    """The address of the engine that the tests use."""
    return os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"


@pytest.fixture(scope="session", autouse=True)
def _nothing_is_left(engine_url: str) -> Iterator[None]:
    """At the end of the session the engine and the machine are as they were found."""
    yield
    wait_until(lambda: on_this_machine() == [], what="all threads and processes of the tests have ended")
    assert in_engine(engine_url) == []


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
    _log_plainly()
