"""The demo's Headrace: `headrace up` as a process of its own, and what one asks of it."""

import contextlib
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from demo_screen import DemoError, say

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_HEADRACE = Path(sys.executable).with_name("headrace")
_START_PATIENCE_SECONDS = 30
_AS_JSON = ("--output", "json")
_DRAIN_SECONDS = 3
_STOP_PATIENCE_SECONDS = 40
_STREAM_PATIENCE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Server:
    """A running `headrace up`. `data` holds its database, logs, artifacts and Redis; `log` what it says itself."""

    process: subprocess.Popen[bytes]
    data: Path
    log: Path
    url: str
    headers: dict[str, str] = field(default_factory=dict)

    def make_account(self) -> str:
        """`headrace user` and `headrace token`, as an administrator would type them; the link to choose a password."""
        link = self._headrace("user", "add", "demo", "--role", "administrator")
        token = self._headrace("token", "create", "the demo", "--user", "demo")
        self.headers["authorization"] = f"Bearer {token}"
        return link

    def add_repository(self, name: str, clone_url: str) -> str:
        """`headrace repo add`, as a person would type it; the ready-made script for git's post-receive hook."""
        added = self._headrace("repo", "add", name, "--forge", "git", "--clone-url", clone_url, options=_AS_JSON)
        return str(json.loads(added)["post_receive"])

    def get(self, path: str) -> httpx.Response:
        """The answer to a GET. Raises DemoError if it is not a good one."""
        answer = httpx.get(httpx.URL(self.url).join(path), headers=self.headers)
        if answer.is_error:
            raise DemoError(f"GET {path} answered {answer.status_code}: {answer.text}")
        return answer

    def lines(self, path: str) -> Iterator[str]:
        """The lines of an event stream, as they come."""
        timeout = _STREAM_PATIENCE_SECONDS
        with httpx.stream("GET", f"{self.url}{path}", headers=self.headers, timeout=timeout) as stream:
            if stream.is_error:
                raise DemoError(f"GET {path} answered {stream.status_code}")
            yield from stream.iter_lines()

    def _headrace(self, *command: str, options: tuple[str, ...] = ()) -> str:
        """What a command of ours prints. Raises DemoError if it fails."""
        say(f"$ headrace {shlex.join(command)}")
        place = ["--data", str(self.data), "--url", self.url]
        done = subprocess.run([_HEADRACE, *command, *options, *place], capture_output=True, text=True, check=False)
        if done.returncode:
            raise DemoError(f"headrace {' '.join(command[:2])} ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout.strip()

    def last_words(self) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])


@contextlib.contextmanager
def server_in(directory: Path, *, keep: bool) -> Iterator[Server]:
    """`headrace up` on a free port with its files in `directory`; stopped at the end, unless kept after a success."""
    server = None
    try:
        with _signals_held_back():
            server = _start(directory)
        _wait_until_ready(server)
        yield server
    except BaseException:
        if server:
            _stop(server)
        raise
    if not keep:
        _stop(server)


@contextlib.contextmanager
def _signals_held_back() -> Iterator[None]:
    """A Ctrl-C that comes within the block is heard at its end: a server that runs must be known to be stopped.

    They are not blocked, because a child would be deaf to them for good.
    """
    held: list[int] = []
    handlers = {number: signal.signal(number, lambda number, _frame: held.append(number)) for number in ENDINGS}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if held:
            signal.raise_signal(held[0])


def _start(directory: Path) -> Server:
    """Start it in a session of its own, so that Ctrl-C reaches only the demo, which then stops it in order."""
    address = f"127.0.0.1:{_free_port()}"
    data, log = directory / "data", directory / "server.log"
    command = ["up", "--data", str(data), "--listen", address]
    say(f"$ headrace {' '.join(command)}")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [_HEADRACE, *command], stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    return Server(process, data, log, f"http://{address}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(server: Server) -> None:
    deadline = time.monotonic() + _START_PATIENCE_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{server.url}/healthz").is_success:
                return
        time.sleep(0.05)
    raise DemoError(f"headrace up did not get ready; its log ends with:\n{server.last_words()}")


def _stop(server: Server) -> None:
    """Ask it to end, twice if jobs are under way; what does not end in time is killed with all that it started."""
    for patience_seconds in (_DRAIN_SECONDS, _STOP_PATIENCE_SECONDS):
        server.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.process.wait(patience_seconds)
            return
    os.killpg(server.process.pid, signal.SIGKILL)
    raise DemoError(f"headrace up did not stop; its log ends with:\n{server.last_words()}")
