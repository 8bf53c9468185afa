"""A private repository: the worker reads it in the repository's own name, and no step can."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.origin import Origin
from tests.end_to_end.service import Service
from tests.end_to_end.test_canary import Eavesdropper
from tests.private_redis import PrivateRedis
from tests.runner.source.gitserver import GitServer, git_server
from tests.runner.source.sshserver import ssh_server_in
from worker.supervisor import headrace_command

pytestmark = [pytest.mark.docker, pytest.mark.redis]

CANARY = "canary-cl0ne-token"
WORKFLOW = """
steps:
  look:
    image: {image}
    commands:
      - test -f .headrace.yaml
      - env
      - cat .git/config
      - find / -xdev -type f -size -64k -path '*git*' -exec cat {{}} + 2>/dev/null | head -c 2000000 > /tmp/all
      - if grep -aq "cl0ne-[t]oken\\|PRIVATE [K]EY" /tmp/all; then exit 9; fi
"""


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin(tmp_path / "acme")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    with git_server(tmp_path) as server:
        yield server


def repo_set(service: Service, *options: str, given: str) -> str:
    done = subprocess.run(
        headrace_command("repo", "set", "acme/web", *options, "--data", str(service.data)),
        input=given,
        check=True,
        capture_output=True,
        text=True,
    )
    assert given not in done.stdout + done.stderr
    return done.stdout


def assert_nowhere(service: Service, redis_said: list[str], *secrets: str) -> None:
    """Neither in what the service keeps, nor in what it says to Redis or shows."""
    for secret in secrets:
        assert secret not in "\n".join(redis_said)
        for file in (path for path in service.directory.rglob("*") if path.is_file()):
            assert secret.encode() not in file.read_bytes(), file


def test_token_opens_a_private_repository_and_is_seen_by_nobody(
    halves: Service, origin: Origin, server: GitServer, redis: PrivateRedis, busybox: str
) -> None:
    server.password = CANARY
    halves.server()
    halves.worker()
    halves.add_repository(origin, clone_url=f"{server.url}/acme/origin.git")
    run = halves.workflow_run(origin, _headrace_yaml=WORKFLOW.format(image=busybox))
    assert run["status"] == "error", "without a token nobody gets in"
    repo_set(halves, "--clone-token-file", "-", "--clone-user", "ann", given=CANARY)
    with Eavesdropper(redis) as eavesdropper:
        run = halves.workflow_run(origin, more="1")
    assert run["status"] == "success", run
    assert any(authorization for _, authorization in server.seen)
    assert_nowhere(halves, eavesdropper.heard, CANARY)


def test_key_of_ours_opens_a_private_repository_and_is_seen_by_nobody(
    halves: Service, origin: Origin, tmp_path: Path, redis: PrivateRedis, busybox: str
) -> None:
    (tmp_path / "ssh").mkdir()
    with ssh_server_in(tmp_path / "ssh") as sshd:
        halves.server()
        halves.worker()
        halves.add_repository(origin, clone_url=f"{sshd.url}{origin.path}")
        shown = repo_set(halves, "--new-clone-key", "--known-hosts-file", "-", given=sshd.known_hosts)
        [key] = [line.split(maxsplit=2)[2] for line in shown.splitlines() if "clone key" in line]
        sshd.authorize(key)
        with Eavesdropper(redis) as eavesdropper:
            run = halves.workflow_run(origin, _headrace_yaml=WORKFLOW.format(image=busybox))
        assert run["status"] == "success", run
        assert_nowhere(halves, eavesdropper.heard, "PRIVATE KEY")
        sshd.authorize("")
        run = halves.workflow_run(origin, more="1")
        assert run["status"] == "error", "the key is what opens it"
