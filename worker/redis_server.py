"""Our own Redis, where none is given: a program from the PATH, on a socket in the data directory, durable."""

import shutil
import tempfile
from hashlib import sha256
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from worker.errors import Unavailable
from worker.settings import Settings

_PROGRAMS = ("redis-server", "valkey-server")
_LONGEST_SOCKET_PATH = 100  # the kernel's limit is 107 bytes


def redis_command(settings: Settings) -> list[str]:
    """How to run it. Raises Unavailable with what to install if there is no such program."""
    program = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if program is None:
        raise Unavailable(
            "no redis-server or valkey-server on the PATH: install one (`apt-get install redis-server`), "
            "or give a running one with --redis-url"
        )
    directory = settings.data / "redis"
    directory.mkdir(parents=True, exist_ok=True)
    return [
        program,
        *("--port", "0", "--unixsocket", str(redis_socket(settings)), "--unixsocketperm", "700"),
        *("--dir", str(directory), "--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction"),
        *("--daemonize", "no", "--loglevel", "warning"),
    ]


def redis_socket(settings: Settings) -> Path:
    """Where it listens: in the data directory, or in the temporary one where that path would be too long."""
    path = settings.data / "redis.sock"
    if len(str(path).encode()) <= _LONGEST_SOCKET_PATH:
        return path
    return Path(tempfile.gettempdir()) / f"headrace-{sha256(str(settings.data).encode()).hexdigest()[:16]}.sock"


def redis_url(settings: Settings) -> str:
    """The URL of our own Redis."""
    return f"unix://{redis_socket(settings)}"


def end_left_over(settings: Settings) -> None:
    """End the one that a service which was killed has left behind: it has the data open."""
    url = redis_url(settings)
    if answers(url):
        Redis.from_url(url).shutdown(save=False)  # its append-only file has everything
    redis_socket(settings).unlink(missing_ok=True)


def answers(url: str) -> bool:
    """True if a Redis answers there, and is ready."""
    try:
        return bool(Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1).ping())
    except RedisError:
        return False
