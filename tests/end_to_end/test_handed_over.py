"""A server under systemd, which holds its socket while it is started anew, and hears when it is ready."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha1, sha256
from hmac import new as hmac
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.end_to_end.service import Service
from tests.private_redis import PrivateRedis
from tests.waiting import PATIENCE_SECONDS, wait_until
from worker.listening import address_of, listen
from worker.settings import Address

pytestmark = pytest.mark.redis

_PUSH = Path(__file__).parents[1] / "worker" / "forges" / "payloads" / "github" / "push.json"

# What systemd does between fork and exec. The socket gets the first number after those of the standard streams.
_AS_SYSTEMD = """
import os, sys
if (given := int(sys.argv[1])) != 3:
    os.dup2(given, 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.executable, [sys.executable, "-P", "-m", "runner.cli", *sys.argv[2:]])
"""


class Manager:
    """What systemd is to the server: it holds the socket that is listened on, and another that it is told things by."""

    def __init__(self, directory: Path, redis: PrivateRedis) -> None:
        self.socket = listen(Address(host="127.0.0.1", port=0))
        self.service = Service(directory, redis_url=redis.url)
        self.service.url = f"http://{address_of(self.socket)}"
        self._log = directory / "server.log"
        self._told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._told.bind(str(directory / "notify"))
        self._told.settimeout(PATIENCE_SECONDS)
        self._given = {"NOTIFY_SOCKET": str(directory / "notify"), "HEADRACE_LOG_FORMAT": "json"}
        self._redis_url = redis.url
        self._servers: list[subprocess.Popen[bytes]] = []

    def start(self, **environment: str) -> "subprocess.Popen[bytes]":
        """A server with the socket, as soon as it says that it is ready."""
        command = ["server", "--data", str(self.service.data), "--redis-url", self._redis_url]
        with self._log.open("ab") as log:
            server = subprocess.Popen(
                [sys.executable, "-c", _AS_SYSTEMD, str(self.socket.fileno()), *command],
                pass_fds=[self.socket.fileno()],
                stderr=log,
                env={**os.environ, **self._given, **environment},
            )
        self._servers.append(server)
        assert self.is_told() == "READY=1", self._log.read_text()
        return server

    def is_told(self) -> str:
        """The next thing that the server says to it."""
        return self._told.recv(100).decode()

    def logged(self, event: str) -> list[dict[str, Any]]:
        """What the server's log says of such an event."""
        lines = [json.loads(line) for line in self._log.read_text().splitlines()]
        return [line for line in lines if line["event"] == event]

    def close(self) -> None:
        """End what a test that failed has left, and let go of the sockets."""
        for server in self._servers:
            end(server)
        self.socket.close()
        self._told.close()


@pytest.fixture
def manager(tmp_path: Path, redis: PrivateRedis) -> Iterator[Manager]:
    manager = Manager(tmp_path, redis)
    yield manager
    manager.close()


def end(server: "subprocess.Popen[bytes]") -> int:
    if server.poll() is None:
        server.terminate()
    return server.wait(PATIENCE_SECONDS)


@contextmanager
def deliveries(service: Service) -> Iterator[list[int]]:
    """Signed pushes, one after another on a connection each, until the block ends; the answers' statuses."""
    place = ("--forge", "github", "--clone-url", "https://example.org/acme/web.git", "--output", "json")
    secret = json.loads(service.headrace("repo", "add", "acme/web", *place))["secret"]
    answers: list[int] = []
    is_over = threading.Event()

    def send() -> None:
        while not is_over.is_set():
            answers.append(deliver(service, secret, f"{threading.get_ident()} {len(answers)}"))

    with ThreadPoolExecutor(4) as senders:
        sending = [senders.submit(send) for _ in range(4)]
        try:
            yield answers
        finally:
            is_over.set()
    for each in sending:
        each.result()


def deliver(service: Service, secret: str, key: str) -> int:
    sha = sha1(key.encode(), usedforsecurity=False).hexdigest()
    body = json.dumps({**json.loads(_PUSH.read_bytes()), "after": sha}).encode()
    proof = hmac(secret.encode(), body, sha256).hexdigest()
    headers = {"X-GitHub-Event": "push", "X-GitHub-Delivery": sha, "X-Hub-Signature-256": f"sha256={proof}"}
    return httpx.post(
        f"{service.url}/hooks/github/acme/web", content=body, headers=headers, timeout=PATIENCE_SECONDS
    ).status_code


def test_no_delivery_is_refused_or_lost_while_the_server_is_started_anew(manager: Manager) -> None:
    server = manager.start()
    with deliveries(manager.service) as answers:
        wait_until(lambda: len(answers) > 10, what="deliveries come")
        assert end(server) == 0
        assert manager.is_told() == "STOPPING=1"
        so_far = len(answers)
        server = manager.start()
        wait_until(lambda: len(answers) > so_far + 10, what="deliveries come again")
    assert set(answers) == {202}
    assert len(manager.service.get("/api/runs?limit=200").json()["runs"]) == min(len(answers), 200)
    assert end(server) == 0


def test_server_is_ready_when_it_answers_and_says_when_it_ends(manager: Manager) -> None:
    server = manager.start()
    assert httpx.get(f"{manager.service.url}/healthz", timeout=PATIENCE_SECONDS).status_code == 200
    assert manager.logged("server is up")[0]["url"] == manager.service.url
    assert end(server) == 0
    assert manager.is_told() == "STOPPING=1"


def test_link_that_makes_the_first_account_is_in_the_log_once_the_server_is_ready(manager: Manager) -> None:
    server = manager.start()
    assert manager.logged("there is no account yet: open this link to make the first one")
    end(server)


@pytest.mark.parametrize(
    ("trusted", "seen"), [("127.0.0.1", "203.0.113.9"), ("192.0.2.0/24", "127.0.0.1")], ids=["trusted", "stranger"]
)
def test_client_is_whom_a_proxy_names_that_is_trusted(manager: Manager, trusted: str, seen: str) -> None:
    """What is left of the last address that the proxy wrote may be the client's own invention."""
    server = manager.start(HEADRACE_TRUSTED_PROXIES=trusted)
    forwarded = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}
    httpx.get(f"{manager.service.url}/login?key=hunter2", headers=forwarded, timeout=PATIENCE_SECONDS)
    [request] = wait_until(lambda: manager.logged("request"), what="the request to be logged")
    assert (request["client"], request["path"]) == (seen, "/login")
    assert end(server) == 0
