"""Starts that can't work: each gives one clear line and an exit code, and leaves nothing running."""

import os
import socket
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.origin import Origin
from tests.end_to_end.service import Service
from tests.private_redis import PrivateRedis
from tests.waiting import PATIENCE_SECONDS
from worker.supervisor import headrace_command

pytestmark = pytest.mark.redis


def headrace(*arguments: str, **environment: str) -> tuple[int, list[str]]:
    """A command's exit code and the lines it writes to stderr; it writes nothing to stdout."""
    done = subprocess.run(
        headrace_command(*arguments),
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.stdout == ""
    return done.returncode, done.stderr.splitlines()


def test_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        code, said = headrace("up", "--data", str(tmp_path), "--listen", address)
    assert code == 3
    assert said == [
        f"headrace: can't listen on {address}: it is in use: stop what listens there, or choose another with --listen"
    ]


def test_second_service_on_the_same_data_is_refused(service: Service) -> None:
    service.up()
    code, said = headrace("up", "--data", str(service.data), "--listen", "127.0.0.1:0")
    assert code == 2
    assert said == [f"headrace: another service works in {service.data}: end it, or choose another with --data"]


@pytest.mark.parametrize("half", ["server", "worker"])
def test_half_without_a_redis_says_what_it_needs(half: str, tmp_path: Path) -> None:
    code, said = headrace(half, "--data", str(tmp_path))
    assert code == 2
    assert said == ["headrace: --redis-url (HEADRACE_REDIS_URL) is missing: the server and its workers meet in Redis"]


def test_no_redis_to_be_had_says_what_to_install(tmp_path: Path) -> None:
    code, said = headrace("up", "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0", PATH=str(tmp_path))
    assert code == 3
    assert len(said) == 1
    assert "apt-get install redis-server" in said[0]


def test_data_directory_that_can_not_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, said = headrace("up", "--data", str(tmp_path / "file" / "data"), "--listen", "127.0.0.1:0")
    assert code == 3
    assert said == [f"headrace: can't keep data in {tmp_path}/file/data: Not a directory; choose another with --data"]


def test_data_directory_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, said = headrace("repo", "list", "--data", str(tmp_path / "file"))
    assert code == 3
    assert said == [
        f"headrace: can't keep the database at {tmp_path}/file/headrace.sqlite: File exists; choose another --data"
    ]


def test_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "headrace.sqlite"
    path.write_bytes(b"a note to myself\n" * 500)
    before = path.read_bytes()
    code, said = headrace("repo", "list", "--data", str(tmp_path))
    assert code == 3
    assert said == [f"headrace: can't use {path}: file is not a database; move it away, or choose another --data"]
    assert path.read_bytes() == before


@pytest.mark.parametrize("url", ["redis//nowhere", "http://127.0.0.1:1"])
def test_redis_url_that_is_none_is_named(url: str, tmp_path: Path) -> None:
    code, said = headrace("worker", "--data", str(tmp_path), "--redis-url", url)
    assert code == 2
    assert len(said) == 1
    assert url in said[0]


def test_push_to_a_worker_without_an_engine_ends_as_error_that_says_so(
    tmp_path: Path, redis: PrivateRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine.sock")
    service, origin = Service(tmp_path, redis_url=redis.url), Origin(tmp_path)
    try:
        service.server()
        service.worker()
        service.add_repository(origin)
        run = service.workflow_run(origin, _headrace_yaml="steps:\n  a: {image: busybox, commands: echo}\n")
    finally:
        service.end()
    assert run["status"] == "error"
    assert f"{tmp_path}/no-engine.sock" in run["jobs"][0]["reason"]
    assert [step["status"] for step in run["jobs"][0]["steps"]] == ["skipped"]
