"""Sandboxes: one tiny container a lane, which holds the lane's network namespace for step after step.

DESIGN. Most of a container's start is its network. So the network is set up once a lane, in a container of ours that
only sleeps, and the lane's steps join its namespace one after another. Its image is one program of ours
(`runner/shim`), imported when an engine doesn't have it yet: nothing is ever pulled for it.
"""

import hashlib
import io
import queue
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files

from runner.engine.client import Engine
from runner.errors import BackendError

_PROGRAM = "headrace-shim"
MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def sandbox_image(engine: Engine, architecture: str) -> str:
    """The name of the sandbox's image, which is on the engine on return."""
    machine = MACHINES.get(architecture)
    if machine is None:
        raise BackendError(f"the container engine runs on {architecture}; Headrace knows amd64 and arm64")
    program = files("runner").joinpath(f"shim/{_PROGRAM}-{machine}").read_bytes()
    tag = f"{machine}-{hashlib.sha256(program).hexdigest()[:12]}"
    if not engine.has_image(f"headrace/sandbox:{tag}"):
        engine.import_image("headrace/sandbox", tag, _archive(program), [f'ENTRYPOINT ["/{_PROGRAM}"]'])
    return f"headrace/sandbox:{tag}"


class Lanes:
    """The sandboxes of one site, started when they are first needed. `make` creates one and gives its id."""

    def __init__(self, engine: Engine, make: Callable[[], str], *, limit: int) -> None:
        self._engine = engine
        self._make = make
        self._unmade = threading.Semaphore(limit)
        self._free: queue.LifoQueue[str] = queue.LifoQueue()

    def add(self, sandbox: str) -> None:
        """Add a sandbox that has been made and started already. It counts towards the limit."""
        self._unmade.acquire()
        self._free.put(sandbox)

    @contextmanager
    def one(self) -> Iterator[str]:
        """The id of a sandbox that nobody else uses within the block."""
        sandbox = self._take()
        try:
            yield sandbox
        finally:
            self._free.put(sandbox)

    def _take(self) -> str:
        try:
            return self._free.get_nowait()
        except queue.Empty:
            pass
        if not self._unmade.acquire(blocking=False):
            return self._free.get()
        sandbox = self._make()
        self._engine.start(sandbox)
        return sandbox


def _archive(program: bytes) -> bytes:
    """A tar that holds the program and nothing else, the same every time."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo(_PROGRAM)
        info.size, info.mode = len(program), 0o755
        archive.addfile(info, io.BytesIO(program))
    return buffer.getvalue()
