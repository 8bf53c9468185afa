"""Our own Redis, where none is given: on a socket in the data directory, and durable.

It is a program from the PATH; where there is none, a container on this machine's engine. Either way one process of
ours stands for it, which the supervisor keeps.
"""

import os
import shutil
import socket
import subprocess
import tempfile
from hashlib import sha256
from pathlib import Path

from worker.errors import Unavailable
from worker.settings import Settings

_PROGRAMS = ("redis-server", "valkey-server")
_LONGEST_SOCKET_PATH = 100  # the kernel's limit is 107 bytes
_DURABLE = ("--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction")
_SHUTDOWN_SECONDS = 30.0
_QUIET = ("--daemonize", "no", "--loglevel", "warning", "--logfile", "redis.log")


def redis_command(settings: Settings) -> list[str]:
    """How to run it. Raises Unavailable with what to install if it can't be run."""
    (settings.data / "redis").mkdir(parents=True, exist_ok=True)
    program = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if program is not None:
        return [program, *_options(redis_socket(settings), settings.data / "redis")]
    if _engine_answers():
        return _in_a_container(settings)
    raise Unavailable(
        "no redis-server or valkey-server on the PATH, and no container engine to run one on: install one "
        "(`apt-get install redis-server`), or give a running one with --redis-url"
    )


def redis_socket(settings: Settings) -> Path:
    """Where it listens: in the data directory, or in the temporary one where that path would be too long."""
    path = settings.data / "redis" / "redis.sock"
    if len(str(path).encode()) <= _LONGEST_SOCKET_PATH:
        return path
    return Path(tempfile.gettempdir()) / f"headrace-{_mark(settings)}" / "redis.sock"


def redis_url(settings: Settings) -> str:
    """The URL of our own Redis."""
    return f"unix://{redis_socket(settings)}"


def end_left_over(settings: Settings) -> None:
    """End the one that a service which was killed has left behind: it has the data open."""
    # Its append-only file has everything. It answers by closing the connection, once that is on the disk.
    _ask(settings, "SHUTDOWN NOSAVE", seconds=_SHUTDOWN_SECONDS)
    redis_socket(settings).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    redis_socket(settings).unlink(missing_ok=True)
    if shutil.which("docker"):
        _docker("rm", "--force", _container(settings))


def forget_socket(settings: Settings) -> None:
    """Remove what of an ended one lies outside the data directory."""
    directory = redis_socket(settings).parent
    if not directory.is_relative_to(settings.data):
        shutil.rmtree(directory, ignore_errors=True)


def is_ready(settings: Settings) -> bool:
    """True once our own Redis answers."""
    return _ask(settings, "PING").startswith(b"+PONG")


def _ask(settings: Settings, command: str, *, seconds: float = 1.0) -> bytes:
    """What it answers to one command, `b""` if it doesn't. The client's library would be half of the supervisor."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(seconds)
        try:
            connection.connect(str(redis_socket(settings)))
            connection.sendall(f"{command}\r\n".encode())
            return connection.recv(64)
        except OSError:
            return b""


def _options(path: Path, directory: Path) -> list[str]:
    at = ("--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700", "--dir", str(directory))
    return [*at, *_DURABLE, *_QUIET]


def _in_a_container(settings: Settings) -> list[str]:
    """The same on the engine: as our own user, with the same files, without a network, gone when it ends."""
    path, directory = redis_socket(settings), settings.data / "redis"
    return [
        *("docker", "run", "--rm", "--name", _container(settings), "--label", "headrace.service=redis"),
        *("--network", "none", "--user", f"{os.getuid()}:{os.getgid()}", "--entrypoint", "redis-server"),
        *("--volume", f"{directory}:{directory}", "--volume", f"{path.parent}:{path.parent}"),
        settings.redis_image,
        *_options(path, directory),
    ]


def _engine_answers() -> bool:
    return shutil.which("docker") is not None and _docker("version") == 0


def _docker(*arguments: str) -> int:
    quiet = subprocess.DEVNULL
    return subprocess.run(["docker", *arguments], stdout=quiet, stderr=quiet, check=False, timeout=30).returncode


def _container(settings: Settings) -> str:
    return f"headrace-redis-{_mark(settings)}"


def _mark(settings: Settings) -> str:
    return sha256(str(settings.data).encode()).hexdigest()[:16]
