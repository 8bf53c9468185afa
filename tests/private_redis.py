"""A Redis of the test's own, on a unix socket, that can be stopped, killed and emptied without harm to anyone."""

import shutil
import subprocess
import time
from pathlib import Path

from redis import Redis

from tests.mortal import mortal
from worker.redis_client import answers

_SECONDS = 10


class PrivateRedis:
    """A redis-server in a directory of its own; what it has stored outlives its process."""

    def __init__(self, directory: Path) -> None:
        program = shutil.which("redis-server") or shutil.which("valkey-server")
        if program is None:
            raise RuntimeError("the tests need redis-server: `make setup` installs it")
        socket = directory / "redis.sock"
        self.url = f"unix://{socket}"
        self._command = [
            program,
            *("--port", "0", "--unixsocket", str(socket), "--dir", str(directory)),
            *("--appendonly", "yes", "--appendfsync", "always", "--save", "", "--maxmemory-policy", "noeviction"),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def client(self) -> Redis:
        """A client of it."""
        return Redis.from_url(self.url, socket_timeout=5, socket_connect_timeout=2)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = subprocess.Popen(mortal(self._command), stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + _SECONDS
        while not answers(self.url):
            assert time.monotonic() < deadline, "redis-server did not answer"
            assert self._process.poll() is None, "redis-server ended at once"
            time.sleep(0.01)

    def stop(self) -> None:
        """End it, if it runs."""
        if self._process:
            self._process.terminate()
            self._process.wait(_SECONDS)
            self._process = None

    def kill(self) -> None:
        """End it without a chance to say good-bye."""
        if self._process:
            self._process.kill()
            self._process.wait(_SECONDS)
            self._process = None
