"""A Redis of the test's own, on a unix socket, that can be stopped, killed and emptied without harm to anyone."""

import shutil
import subprocess
from pathlib import Path

from redis import Redis

from tests.mortal import mortal
from tests.waiting import PATIENCE_SECONDS, wait_until
from worker.redis_client import answers


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
        return Redis.from_url(self.url, socket_timeout=PATIENCE_SECONDS, socket_connect_timeout=PATIENCE_SECONDS)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        process = self._process = subprocess.Popen(mortal(self._command), stdout=subprocess.DEVNULL)
        wait_until(lambda: process.poll() is not None or answers(self.url), what="redis-server answers")
        assert process.poll() is None, "redis-server ended at once"

    def stop(self) -> None:
        """End it, if it runs."""
        if self._process:
            self._process.terminate()
            self._process.wait(PATIENCE_SECONDS)
            self._process = None

    def kill(self) -> None:
        """End it without a chance to say good-bye."""
        if self._process:
            self._process.kill()
            self._process.wait(PATIENCE_SECONDS)
            self._process = None
