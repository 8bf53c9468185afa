"""Sandboxes: one tiny container a lane, which holds the lane's network namespace for step after step.

DESIGN. Most of a container's start is its network. So the network is set up once a lane, in a container of ours that
only sleeps, and the lane's steps join its namespace one after another. Its image is one program of ours
(`runner/shim`), imported when an engine doesn't have it yet: nothing is ever pulled for it. The same program is the
gate of each step; it comes to them on a volume, which the engine fills from the image. To start a sandbox takes much
longer than to make one, and what is to join it can be made meanwhile.
"""

import hashlib
import io
import tarfile
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from importlib.resources import files
from typing import Any

from runner.engine.client import Engine
from runner.errors import BackendError

SHIM_DIRECTORY = "/.headrace"
SHIM = f"{SHIM_DIRECTORY}/shim"
MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def sandbox_image(engine: Engine, architecture: str) -> str:
    """The name of the sandbox's image, which is on the engine on return."""
    archive = _archive(_program(architecture), SHIM)
    tag = f"{MACHINES[architecture]}-{hashlib.sha256(archive).hexdigest()[:12]}"
    if not engine.has_image(f"headrace/sandbox:{tag}"):
        engine.import_image("headrace/sandbox", tag, archive, [f'ENTRYPOINT ["{SHIM}"]'])
    return f"headrace/sandbox:{tag}"


def put_shim(engine: Engine, container: str, architecture: str) -> None:
    """Put our program on the volume that a container has at SHIM_DIRECTORY, where an engine doesn't do it by itself."""
    engine.put_archive(container, SHIM_DIRECTORY, [_archive(_program(architecture), SHIM.rpartition("/")[2])])


def _program(architecture: str) -> bytes:
    machine = MACHINES.get(architecture)
    if machine is None:
        raise BackendError(f"the container engine runs on {architecture}; Headrace knows amd64 and arm64")
    return files("runner").joinpath(f"shim/headrace-shim-{machine}").read_bytes()


class Sandboxes:
    """The sandboxes of one site by lane, each made and started when its lane is first used. Any thread may ask.

    One that couldn't be made or started is tried anew when it is next asked for. `make` creates one and gives its id,
    `start` starts it; `pool` is where they do.
    """

    def __init__(self, make: Callable[[], str], start: Callable[[str], None], pool: Executor) -> None:
        self._make = make
        self._start = start
        self._pool = pool
        self._lock = threading.Lock()
        self._made: dict[int, Future[str]] = {}
        self._started: dict[int, Future[None]] = {}

    def begin(self, lane: int) -> None:
        """Begin to make the lane's sandbox, if nobody has."""
        with self._lock:
            if lane not in self._made or _has_failed(self._made[lane]) or _has_failed(self._started[lane]):
                made = self._made[lane] = self._pool.submit(self._make)
                self._started[lane] = self._pool.submit(lambda: self._start(made.result()))

    def in_lane(self, lane: int) -> str:
        """The id of the lane's sandbox, which may be starting still. Raises BackendError."""
        self.begin(lane)
        return self._made[lane].result()

    def wait_for(self, lane: int) -> None:
        """Wait until the lane's sandbox runs. Raises BackendError if it can't."""
        self._started[lane].result()


def _has_failed(future: Future[Any]) -> bool:
    return future.done() and future.exception() is not None


def _archive(program: bytes, path: str) -> bytes:
    """A tar that holds the program at this path, in a directory if it says so, the same every time."""
    directory, _, name = path.strip("/").rpartition("/")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        if directory:
            info = tarfile.TarInfo(directory)
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(info)
        info = tarfile.TarInfo(f"{directory}/{name}".strip("/"))
        info.size, info.mode = len(program), 0o755
        archive.addfile(info, io.BytesIO(program))
    return buffer.getvalue()
