"""Our own Redis: a program from the PATH or a container, durable either way, and never two at once."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from redis import Redis

from tests.redis_image import REDIS_IMAGE, made_redis_image
from tests.waiting import PATIENCE_SECONDS, wait_until
from worker.errors import Unavailable
from worker.redis_server import end_left_over, forget_socket, is_ready, redis_command, redis_socket, redis_url
from worker.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(Settings.build({}, data=str(tmp_path / "data")), redis_image=REDIS_IMAGE)


@pytest.fixture
def only_docker_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker = shutil.which("docker")
    assert docker, "the tests need the docker command: `make setup` installs it"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "docker").symlink_to(docker)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


@pytest.fixture(scope="session")
def redis_image() -> str:
    """An image made of this machine's own redis-server, for want of a registry."""
    return made_redis_image()


@contextmanager
def running(settings: Settings) -> Iterator["subprocess.Popen[bytes]"]:
    """Our Redis under way, as the supervisor keeps it; ended by SIGTERM."""
    end_left_over(settings)
    process = subprocess.Popen(redis_command(settings))
    try:
        wait_until(lambda: is_ready(settings))
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def remember(settings: Settings) -> None:
    with Redis.from_url(redis_url(settings)) as client:
        client.set("what", "the mill")


def recall(settings: Settings) -> object:
    with Redis.from_url(redis_url(settings)) as client:
        return client.get("what")


@pytest.mark.redis
def test_what_is_stored_outlives_its_process(settings: Settings) -> None:
    with running(settings):
        remember(settings)
    assert not is_ready(settings)
    with running(settings):
        assert recall(settings) == b"the mill"


@pytest.mark.redis
def test_one_that_was_left_over_is_ended_first(settings: Settings) -> None:
    """The supervisor was killed; its Redis has the files open, and a second would spoil them."""
    end_left_over(settings)
    orphan = subprocess.Popen(redis_command(settings))
    wait_until(lambda: is_ready(settings))
    remember(settings)
    with running(settings):
        assert orphan.wait(PATIENCE_SECONDS) == 0
        assert recall(settings) == b"the mill"


@pytest.mark.redis
def test_long_data_directory_gets_a_socket_elsewhere(settings: Settings, tmp_path: Path) -> None:
    deep = replace(settings, data=tmp_path / ("d" * 120))
    with running(deep):
        remember(deep)
        assert not redis_socket(deep).is_relative_to(deep.data)
    forget_socket(deep)
    assert not redis_socket(deep).parent.exists()


@pytest.mark.docker
@pytest.mark.usefixtures("redis_image", "only_docker_on_the_path")
def test_without_a_program_it_is_a_container_that_is_as_durable(settings: Settings) -> None:
    with running(settings) as process:
        assert isinstance(process.args, list)
        assert process.args[0] == "docker"
        remember(settings)
    with running(settings):
        assert recall(settings) == b"the mill"
    assert containers(settings) == []


@pytest.mark.docker
@pytest.mark.usefixtures("redis_image", "only_docker_on_the_path")
def test_container_that_was_left_over_is_removed_first(settings: Settings) -> None:
    end_left_over(settings)
    orphan = subprocess.Popen(redis_command(settings))
    wait_until(lambda: is_ready(settings))
    remember(settings)
    orphan.send_signal(signal.SIGKILL)
    orphan.wait(PATIENCE_SECONDS)
    with running(settings):
        assert recall(settings) == b"the mill"
    assert containers(settings) == []


def test_without_a_program_and_an_engine_it_says_what_to_install(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match=r"apt-get install redis-server.*--redis-url"):
        redis_command(settings)


def containers(settings: Settings) -> list[str]:
    """Those that have its data directory."""
    listed = subprocess.run(
        ["docker", "ps", "--all", "--quiet", "--filter", f"volume={settings.data / 'redis'}"],
        check=True,
        capture_output=True,
        text=True,
    )
    return listed.stdout.split()
