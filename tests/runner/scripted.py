"""ScriptedBackend: a Backend without containers. Steps run their commands as processes in a temporary directory.

It keeps the whole contract but for what only containers give: private networks and images. An image whose name
begins with `missing/` isn't there, one that begins with `slow/` never comes, and one that begins with `broken/` makes
the machinery fail.
"""

import contextlib
import io
import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import IO, cast

from pipelines.plan import PlannedJob, PlannedStep
from pipelines.records import Stream
from pipelines.status import Status
from runner.backend import Beside, Outcome, Output, Piece, PullSink, Ticket, Tree, WorkspaceFile, Writer, unheard
from runner.engine.client import ContainerState, EngineRefusal, Image
from runner.engine.health import HealthWatch, check_of
from runner.errors import BackendError, ImageError
from runner.results.collection import glob_matches
from runner.results.outputs import LARGEST_BYTES
from runner.script import program
from runner.stop import Stop

GRACE_SECONDS = 10.0
_IMAGE = Image(  # noqa: S604 - `shell` is a value here, nothing is called
    id="", digests=(), architecture="", entrypoint=(), command=(), shell=("/bin/sh", "-c"), health=()
)


class ScriptedBackend:
    """Makes ScriptedSites; counts those that are open, and notes their workspaces, and the steps held ready, released
    (with their lane) and discarded."""

    def __init__(self, *, lanes: int = 4) -> None:
        self.lanes = lanes
        self.open_sites = 0
        self.workspaces: list[Path] = []
        self.held: list[str] = []
        self.released: list[tuple[str, int]] = []
        self.discarded: list[str] = []

    def open(
        self, _job: PlannedJob, _ticket: Ticket, tree: Tree, stop: Stop, _pulls: PullSink = unheard
    ) -> "ScriptedSite":
        self.open_sites += 1
        return ScriptedSite(self, tree, stop)


class ScriptedSite:
    """One job's directory and processes."""

    def __init__(self, backend: ScriptedBackend, tree: Tree, stop: Stop) -> None:
        self._backend = backend
        self._workspace = Path(tempfile.mkdtemp(prefix="headrace-scripted-"))
        backend.workspaces.append(self._workspace)
        self._outputs = Path(tempfile.mkdtemp(prefix="headrace-scripted-"))
        self._tree = tree
        self._stop = stop
        self._closed = False
        self.busy_lanes: set[int] = set()

    @property
    def lanes(self) -> int:
        return self._backend.lanes

    def wait_until_open(self) -> None:
        self._unpack(self._tree())

    def _unpack(self, stream: Iterator[Piece]) -> None:
        chunks = []
        for chunk in stream:
            if isinstance(chunk, Writer):
                chunk.write(self._workspace, self._stop)
                return
            if isinstance(chunk, Beside):
                self._unpack(chunk.chunks())
            else:
                chunks.append(chunk)
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks)), mode="r:") as archive:
            archive.extractall(self._workspace, filter="data")

    def ready(self, step: PlannedStep, environment: Mapping[str, str], lane: int) -> "ScriptedStep":
        assert 0 <= lane < self.lanes
        if step.outputs:
            self._output_file(step).write_bytes(b"")
            environment = {**environment, "CI_OUTPUT": str(self._output_file(step))}
        return ScriptedStep(self, self._backend, step, environment, lane)

    def serve(
        self,
        service: PlannedStep,
        environment: Mapping[str, str],
        output: Output,
        stop: Stop,
        started: Callable[[], None],
    ) -> Outcome:
        if service.image.startswith("missing/"):
            raise ImageError(f"image {service.image}: not found in the registry and not on this machine")
        if service.image.startswith("broken/"):
            raise BackendError("the engine is gone")
        if service.image.startswith("slow/"):
            stop.wait()
        if stop.requested:
            return Outcome(status=stop.status, reason=stop.reason)
        process = self._start(service, environment)
        if check := check_of(service, _IMAGE):
            asked = _Asked(process, self._workspace)
            started = partial(HealthWatch(asked, service.name, check, stop).begin, started)
        return self._follow(process, output, stop, started)

    def collect(self, patterns: tuple[str, ...]) -> Iterator[WorkspaceFile]:
        for path in sorted(self._workspace.rglob("*")):
            name = path.relative_to(self._workspace).as_posix()
            is_real = not any(part.is_symlink() for part in (path, *path.parents))
            if is_real and path.is_file() and any(glob_matches(each, name) for each in patterns):
                with path.open("rb") as content:
                    yield WorkspaceFile(path=name, size_bytes=path.stat().st_size, content=content)

    def output_of(self, step: PlannedStep) -> bytes:
        path = self._output_file(step)
        if path.is_symlink() or not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(LARGEST_BYTES + 1)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._backend.open_sites -= 1
            shutil.rmtree(self._workspace)
            shutil.rmtree(self._outputs)

    def _output_file(self, step: PlannedStep) -> Path:
        return self._outputs / step.name

    def _start(self, step: PlannedStep, environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            program(step.commands, str(self._workspace / step.directory), step.shell),
            env={"PATH": os.environ["PATH"], **environment},
            cwd=self._workspace,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def _follow(
        self, process: "subprocess.Popen[bytes]", output: Output, stop: Stop, started: Callable[[], None]
    ) -> Outcome:
        started()
        stop.on_request(lambda: threading.Thread(target=_terminate, args=(process,), daemon=True).start())
        try:
            _copy(process, output)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(GRACE_SECONDS)  # it may close its outputs before it ends
        finally:
            _signal(process, signal.SIGKILL)
            code = process.wait()
        if stop.requested:
            return Outcome(status=stop.status, reason=stop.reason)
        code = 128 - code if code < 0 else code
        if code == 0:
            return Outcome(status=Status.SUCCESS, exit_code=0)
        return Outcome(status=Status.FAILURE, exit_code=code, reason=f"exit code {code}")


class _Asked:
    """A service's process, as health checks ask it."""

    def __init__(self, process: "subprocess.Popen[bytes]", workspace: Path) -> None:
        self._process = process
        self._workspace = workspace

    def execute(self, _container: str, command: Iterable[str], seconds: float) -> tuple[int | None, bytes]:
        if not self.state("").is_running:
            raise EngineRefusal("it has ended", 409)
        try:
            done = subprocess.run(list(command), cwd=self._workspace, check=False, timeout=seconds, capture_output=True)
        except subprocess.TimeoutExpired as late:
            return None, late.stdout or b""
        except FileNotFoundError:  # the workspace went while we asked
            raise EngineRefusal("it has ended", 409) from None
        return done.returncode, done.stdout + done.stderr

    def state(self, _container: str) -> ContainerState:
        is_running = self._process.poll() is None
        return ContainerState(is_running=is_running, exit_code=0, out_of_memory=False, error="")


class ScriptedStep:
    """A step that is to run in a ScriptedSite."""

    def __init__(
        self, site: ScriptedSite, backend: ScriptedBackend, step: PlannedStep, environment: Mapping[str, str], lane: int
    ) -> None:
        self._site = site
        self._backend = backend
        self._step = step
        self._environment = environment
        self._lane = lane
        self._is_done = False
        self._backend.held.append(step.name)

    def release(self, late: Mapping[str, str], output: Output, stop: Stop) -> Outcome:
        assert not self._is_done
        self._is_done = True
        self._backend.held.remove(self._step.name)
        self._backend.released.append((self._step.name, self._lane))
        assert self._lane not in self._site.busy_lanes
        self._site.busy_lanes.add(self._lane)
        try:
            return self._site.serve(self._step, {**self._environment, **late}, output, stop, lambda: None)
        finally:
            self._site.busy_lanes.remove(self._lane)

    def discard(self) -> None:
        if not self._is_done:
            self._is_done = True
            self._backend.held.remove(self._step.name)
            self._backend.discarded.append(self._step.name)


def _copy(process: "subprocess.Popen[bytes]", output: Output) -> None:
    """Both outputs to the end, one thread each, `output` called by one at a time."""
    lock = threading.Lock()
    failures: list[Exception] = []

    def copy(stream: Stream, pipe: IO[bytes]) -> None:
        with pipe:
            while data := cast("io.BufferedReader", pipe).read1(65536):
                with lock:
                    try:
                        output(stream, data)
                    except Exception as failure:  # noqa: BLE001 - handed to the thread that waits
                        failures.append(failure)
                        _signal(process, signal.SIGKILL)
                        return

    assert process.stdout is not None
    assert process.stderr is not None
    threads = [
        threading.Thread(target=copy, args=(Stream.STDOUT, process.stdout)),
        threading.Thread(target=copy, args=(Stream.STDERR, process.stderr)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def _terminate(process: "subprocess.Popen[bytes]") -> None:
    _signal(process, signal.SIGTERM)
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        _signal(process, signal.SIGKILL)


def _signal(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
