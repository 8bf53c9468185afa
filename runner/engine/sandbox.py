"""Sandboxes: one tiny container a lane, which holds the lane's network namespace for step after step.

DESIGN. Most of a container's start is its network. So the network is set up once a lane, in a container of ours that
only sleeps, and the lane's steps join its namespace one after another. The sandbox needn't be on the network for that,
only before the first of them runs: it starts without any, while the network is made, and joins that while the first
steps are brought to their gates. Its image is one program of ours
(`runner/shim`), imported when an engine doesn't have it yet: nothing is ever pulled for it. The same program is the
gate of each step; it comes to them on a volume, which the engine fills from the image. So does the workspace's volume
come to be open to all: its top directory is as the image has it, because an engine that unpacks a tar stream leaves a
directory that is there as it is.
"""

import hashlib
import io
import tarfile
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from importlib.resources import files
from typing import Any

from runner.engine.client import Engine
from runner.errors import BackendError

SHIM_DIRECTORY = "/.headrace"
SHIM = f"{SHIM_DIRECTORY}/shim"
FILES_AT = "/workspace"
"""Where the workspace's volume is in the files container, whatever a job calls the place."""

MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def sandbox_image(engine: Engine, architecture: str) -> str:
    """The name of the sandbox's image, which is on the engine on return."""
    archive = _archive({SHIM_DIRECTORY: 0o755, FILES_AT: 0o777}, SHIM, _program(architecture))
    tag = f"{MACHINES[architecture]}-{hashlib.sha256(archive).hexdigest()[:12]}"
    if not engine.has_image(f"headrace/sandbox:{tag}"):
        engine.import_image("headrace/sandbox", tag, archive, [f'ENTRYPOINT ["{SHIM}"]'])
    return f"headrace/sandbox:{tag}"


def put_shim(engine: Engine, container: str, architecture: str) -> None:
    """Put our program on the volume that a container has at SHIM_DIRECTORY, where an engine doesn't do it by itself."""
    engine.put_archive(container, SHIM_DIRECTORY, [_archive({}, SHIM.rpartition("/")[2], _program(architecture))])


def _program(architecture: str) -> bytes:
    machine = MACHINES.get(architecture)
    if machine is None:
        raise BackendError(f"the container engine runs on {architecture}; Headrace knows amd64 and arm64")
    return files("runner").joinpath(f"shim/headrace-shim-{machine}").read_bytes()


class Sandboxes:
    """The sandboxes of one site by lane, each made and started when its lane is first used. Any thread may ask.

    One that couldn't be made or started or join the network is tried anew when it is next asked for. `make` creates one
    and gives its id, `start` starts it, `join` takes it on the network; `pool` is where they do.
    """

    def __init__(
        self, make: Callable[[], str], start: Callable[[str], None], join: Callable[[str], None], pool: Executor
    ) -> None:
        self._make = make
        self._start = start
        self._join = join
        self._pool = pool
        self._lock = threading.Lock()
        self._made: dict[int, Future[str]] = {}
        self._started: dict[int, Future[None]] = {}
        self._joined: dict[int, Future[None]] = {}

    def begin(self, lane: int) -> None:
        """Begin to make the lane's sandbox, if nobody has."""
        with self._lock:
            if lane not in self._joined or _has_failed(self._joined[lane]):
                made = self._made[lane] = self._pool.submit(self._make)
                started = self._started[lane] = Future[None]()
                self._joined[lane] = self._pool.submit(self._set_up, made, started)

    def in_lane(self, lane: int) -> str:
        """The id of the lane's sandbox, which may be starting still. Raises BackendError."""
        self.begin(lane)
        return self._made[lane].result()

    def wait_for(self, lane: int) -> None:
        """Wait until the lane's sandbox runs, so that others may start in it. Raises BackendError if it can't."""
        self._started[lane].result()

    def wait_for_network(self, lane: int) -> None:
        """Wait until the lane is on the network. Raises BackendError if it can't be."""
        self._joined[lane].result()

    @property
    def on_network(self) -> list[str]:
        """The ids of those that are on the network."""
        return [self._made[lane].result() for lane, joined in self._joined.items() if _has_succeeded(joined)]

    def _set_up(self, made: Future[str], started: Future[None]) -> None:
        try:
            self._start(made.result())
            started.set_result(None)
        except BaseException as error:
            started.set_exception(error)
            raise
        self._join(made.result())


def _has_failed(future: Future[Any]) -> bool:
    return future.done() and future.exception() is not None


def _has_succeeded(future: Future[Any]) -> bool:
    return future.done() and future.exception() is None


def _archive(directories: Mapping[str, int], path: str, program: bytes) -> bytes:
    """A tar that holds these directories with their modes, and the program at this path, the same every time."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for directory, mode in directories.items():
            info = tarfile.TarInfo(directory.strip("/"))
            info.type, info.mode = tarfile.DIRTYPE, mode
            archive.addfile(info)
        info = tarfile.TarInfo(path.strip("/"))
        info.size, info.mode = len(program), 0o755
        archive.addfile(info, io.BytesIO(program))
    return buffer.getvalue()
