"""Our own Redis, where none is given: on a socket in the data directory, and durable.

It is a program from the PATH; where there is none, a container on this machine's engine. Either way one process of
ours stands for it, which the supervisor keeps.
"""

import os
import shutil
import subprocess
import tempfile
from hashlib import sha256
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from worker.errors import Unavailable
from worker.settings import Settings

_PROGRAMS = ("redis-server", "valkey-server")
_LONGEST_SOCKET_PATH = 100  # the kernel's limit is 107 bytes
_DURABLE = ("--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction")
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
    url = redis_url(settings)
    if answers(url):
        Redis.from_url(url).shutdown(save=False)  # its append-only file has everything
    redis_socket(settings).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    redis_socket(settings).unlink(missing_ok=True)
    if shutil.which("docker"):
        _docker("rm", "--force", _container(settings))


def forget_socket(settings: Settings) -> None:
    """Remove what of an ended one lies outside the data directory."""
    directory = redis_socket(settings).parent
    if not directory.is_relative_to(settings.data):
        shutil.rmtree(directory, ignore_errors=True)


def answers(url: str) -> bool:
    """True if a Redis answers there, and is ready."""
    client = Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)
    try:
        return bool(client.ping())
    except RedisError:
        return False
    finally:
        client.close()


def _options(socket: Path, directory: Path) -> list[str]:
    at = ("--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700", "--dir", str(directory))
    return [*at, *_DURABLE, *_QUIET]


def _in_a_container(settings: Settings) -> list[str]:
    """The same on the engine: as our own user, with the same files, without a network, gone when it ends."""
    socket, directory = redis_socket(settings), settings.data / "redis"
    return [
        *("docker", "run", "--rm", "--name", _container(settings), "--label", "headrace.service=redis"),
        *("--network", "none", "--user", f"{os.getuid()}:{os.getgid()}", "--entrypoint", "redis-server"),
        *("--volume", f"{directory}:{directory}", "--volume", f"{socket.parent}:{socket.parent}"),
        settings.redis_image,
        *_options(socket, directory),
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
