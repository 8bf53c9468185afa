"""One container's life: created, attached, started, released, read to the end of its output, waited for.

DESIGN. We attach before the start, so no byte is missed. A container has ended when the engine says so *and* its
output has ended; output that stays open afterwards is given a short grace. A stream that breaks looks like one that
ends, so the state decides. Stopping is SIGTERM, a grace, SIGKILL, in a thread of its own: whoever asks for it doesn't
wait. A container with a gate prints nothing before its release, so until then nobody needs to read.
"""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pipelines.records import Stream
from pipelines.status import Status
from runner.backend import Outcome, Output, Shortage
from runner.engine.client import ContainerState, Engine, EngineRefusal
from runner.engine.limits import PIDS_LIMIT
from runner.engine.symptoms import Symptoms
from runner.errors import BackendError, StepError
from runner.stop import Stop

OUTPUT_GRACE_SECONDS = 5.0
_LOOK_SECONDS = 10.0
_READ_BYTES = 256 * 1024
_HEADER = struct.Struct(">BxxxL")
_STREAMS = {1: Stream.STDOUT, 2: Stream.STDERR}
_SIGNALS = {2: "SIGINT", 6: "SIGABRT", 9: "SIGKILL", 11: "SIGSEGV", 13: "SIGPIPE", 15: "SIGTERM"}
_NAMED = {125: "the container could not be run", 126: "not executable", 127: "command not found"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A container that has been created, how to stop it, and how many processes it may have."""

    engine: Engine
    id: str
    starts: threading.Semaphore
    stop_grace_seconds: float
    processes: int = PIDS_LIMIT


def run(container: Container, output: Output, stop: Stop, started: Callable[[], None]) -> Outcome:
    """Start a created container and follow it to its end. `started` is called once it runs.

    Raises BackendError if the engine fails, and what `output` raises, with the container killed.
    """
    stream = start(container)
    try:
        started()
    except BaseException:
        stream.close()
        raise
    return follow(container, stream, output, stop)


def start(container: Container) -> socket.socket:
    """Attach to a created container and start it; gives what it prints, for `follow`. Raises BackendError."""
    stream = container.engine.attach(container.id)
    try:
        with as_asked_by_its_step(), container.starts:
            container.engine.start(container.id)
    except BaseException:
        stream.close()
        raise
    return stream


@contextmanager
def as_asked_by_its_step() -> Iterator[None]:
    """Within the block, the engine's no is about what a step asks for. Raises StepError for it."""
    try:
        yield
    except EngineRefusal as refusal:
        raise StepError(str(refusal)) from refusal


def follow(container: Container, stream: socket.socket, output: Output, stop: Stop) -> Outcome:
    """Read a container that runs to its end, and close the stream.

    Raises BackendError if the engine fails, and what `output` raises, with the container killed.
    """
    engine, identifier = container.engine, container.id
    symptoms = Symptoms(output, pids_limit=container.processes)
    reader = _Reader(engine, identifier, stream, symptoms.output)
    try:
        stopper = _Stopper(container, stop)
        try:
            _follow(engine, identifier, reader)
        finally:
            stopper.ended()
        state = engine.state(identifier)
    finally:
        reader.close()
    if stop.requested:
        return Outcome(status=stop.status, reason=stop.reason)
    return symptoms.explain(outcome_of(state))


def outcome_of(state: ContainerState) -> Outcome:
    """What a container's end means. Memory that ran out is known from the engine's flag, never from 137 alone."""
    code = state.exit_code
    shortage = Shortage.MEMORY if state.out_of_memory else None
    if code == 0:
        reason = f"a process was killed: {shortage}" if shortage else ""
        return Outcome(status=Status.SUCCESS, exit_code=0, reason=reason, shortage=shortage)
    named = shortage or _NAMED.get(code) or _SIGNALS.get(code - 128, "")
    reason = f"exit code {code}" + (f": {named}" if named else "")
    return Outcome(status=Status.FAILURE, exit_code=code, reason=reason, shortage=shortage)


def _follow(engine: Engine, identifier: str, reader: "_Reader") -> None:
    """Wait until the container and its output have ended."""
    is_told = False
    while not engine.wait(identifier, _LOOK_SECONDS):
        is_running = engine.state(identifier).is_running  # raises if the engine has come to hang
        if reader.has_ended and is_running and not is_told:
            reader.output(Stream.SYSTEM, b"the output broke off: what the step prints from here on is lost\n")
            is_told = True
    reader.finish(OUTPUT_GRACE_SECONDS)


class _Reader:
    """A thread that reads a container's frames and hands them to an Output."""

    def __init__(self, engine: Engine, identifier: str, stream: socket.socket, output: Output) -> None:
        self.output = output
        self._engine = engine
        self._identifier = identifier
        self._failure: Exception | None = None
        self._socket = stream
        self._thread = threading.Thread(target=self._work, name="headrace-output", daemon=True)
        self._thread.start()

    @property
    def has_ended(self) -> bool:
        """True once the stream has ended."""
        return not self._thread.is_alive()

    def finish(self, grace_seconds: float) -> None:
        """Wait for the stream's end, for so long after the container's. Raises what the Output raised."""
        self._thread.join(grace_seconds)
        self.close()
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """End the thread. May be called again."""
        if self._thread.is_alive():
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _work(self) -> None:
        try:
            self._read()
        except OSError:
            pass  # a stream that breaks is told from one that ends by the container's state
        except Exception as failure:  # noqa: BLE001 - an Output is anybody's; its error belongs to the step's thread
            self._failure = failure
            self._engine.signal(self._identifier, "SIGKILL")

    def _read(self) -> None:
        """Cut what comes into frames: stream number, three zeros, length; then so many bytes."""
        held = bytearray()
        while data := self._socket.recv(_READ_BYTES):
            held += data
            position = 0
            while len(held) - position >= _HEADER.size:
                number, length = _HEADER.unpack_from(held, position)
                end = position + _HEADER.size + length
                if end > len(held):
                    break
                self.output(_STREAMS[number], bytes(held[position + _HEADER.size : end]))
                position = end
            del held[:position]


class _Stopper:
    """Stops a container when its Stop is requested, unless it has ended before."""

    def __init__(self, container: Container, stop: Stop) -> None:
        self._container = container
        self._ended = threading.Event()
        stop.on_request(lambda: threading.Thread(target=self._stop, name="headrace-stop", daemon=True).start())

    def ended(self) -> None:
        """The container has ended: nothing is left to stop."""
        self._ended.set()

    def _stop(self) -> None:
        try:
            if not self._ended.is_set():
                self._container.engine.signal(self._container.id, "SIGTERM")
            if not self._ended.wait(self._container.stop_grace_seconds):
                self._container.engine.signal(self._container.id, "SIGKILL")
        except BackendError:
            pass  # the thread that waits for the container meets the same engine and tells
