"""One container's life: created, attached, started, released, read to the end of its output, waited for.

DESIGN. We attach before the start, so no byte is missed. A container has ended when the engine says so *and* its
output has ended; output that stays open and silent afterwards is given a short grace. Stopping is SIGTERM, a grace,
SIGKILL, and then an end to output that nobody takes, in a thread of its own, until the container has ended: whoever
asks for it doesn't wait. A container with a gate prints nothing before its release, so until then nobody needs to read.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from pipelines.status import Status
from runner.backend import Outcome, Output, Shortage
from runner.engine.client import ContainerState, Engine, EngineRefusal
from runner.engine.limits import PIDS_LIMIT
from runner.engine.memory import final_state
from runner.engine.outage import persist
from runner.engine.reader import Reader
from runner.engine.symptoms import Symptoms
from runner.engine.vigil import Vigil
from runner.errors import BackendError, StepError
from runner.stop import Stop

_SIGNALS = {2: "SIGINT", 6: "SIGABRT", 9: "SIGKILL", 11: "SIGSEGV", 13: "SIGPIPE", 15: "SIGTERM"}
_LOOK_SECONDS = 0.2
_NAMED = {125: "the container could not be run", 126: "not executable", 127: "command not found"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A container that has been created, how to stop it, and how many processes it may have.

    `image` is what it runs in, by digest or id, and `program` what its gate becomes, if it has one. `witness` is a
    container that runs for as long as the engine does.
    """

    engine: Engine
    id: str
    image: str
    witness: str
    starts: threading.Semaphore
    stop_grace_seconds: float
    processes: int = PIDS_LIMIT
    program: str = ""


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
    symptoms = Symptoms(output, pids_limit=container.processes, program=container.program)
    reader = Reader(container.engine, container.id, stream, symptoms.output)
    try:
        stopper = _Stopper(container, stop, reader)
        vigil = Vigil(container.engine, container.id, container.witness, reader, stop)
        try:
            state = vigil.keep(stop_grace_seconds=container.stop_grace_seconds)
        finally:
            stopper.ended()
    finally:
        reader.close()
    if stop.requested:
        return Outcome(status=stop.status, reason=stop.reason, image=container.image)
    state = final_state(container.engine, container.id, state, symptoms.last_words, stop)
    return replace(symptoms.explain(outcome_of(state)), image=container.image)


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


class _Stopper:
    """Stops a container when its Stop is requested, unless it has ended before."""

    def __init__(self, container: Container, stop: Stop, reader: Reader) -> None:
        self._container = container
        self._reader = reader
        self._ended = threading.Event()
        stop.on_request(lambda: threading.Thread(target=self._stop, name="headrace-stop", daemon=True).start())

    def ended(self) -> None:
        """The container has ended: nothing is left to stop."""
        self._ended.set()

    def _stop(self) -> None:
        deadline = time.monotonic() + self._container.stop_grace_seconds
        # Apart, as an engine that can't get rid of output may not even take a signal.
        threading.Thread(target=self._cut_if_stuck, args=(deadline,), name="headrace-cut", daemon=True).start()
        if not self._ended.is_set():
            self._send("SIGTERM")
        if not self._ended.wait(max(0.0, deadline - time.monotonic())):
            self._send("SIGKILL")

    def _cut_if_stuck(self, deadline: float) -> None:
        self._ended.wait(max(0.0, deadline - time.monotonic()))
        while not self._ended.wait(_LOOK_SECONDS):
            if self._reader.is_stuck:
                self._reader.cut()
                return

    def _send(self, name: str) -> None:
        engine, identifier = self._container.engine, self._container.id
        with suppress(BackendError):  # the thread that waits for the container meets the same engine and tells
            persist(lambda: engine.signal(identifier, name), engine, self._ended.wait)
