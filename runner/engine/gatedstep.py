"""GatedStep: a step's container, created and started ahead of its turn, whose program waits behind its gate.

DESIGN. What can't be made ahead of the turn is made when it comes: then there is a log to say in that an image is
pulled, and somebody to tell the error. The same goes for a container that was lost while it waited, to an operator or
with the engine: nothing of the step has run, so a new one takes its place. So does one if its late variables are more
than a gate can be told. A container may be at its gate before its lane is on the network, but isn't released before.
"""

import socket
from collections.abc import Callable, Mapping
from contextlib import suppress

from pipelines.plan import PlannedStep
from pipelines.records import Stream
from runner.backend import Outcome, Output
from runner.engine.client import Engine, Image
from runner.engine.gate import fits, is_waiting, release
from runner.engine.outage import persist
from runner.engine.process import Container, follow, start
from runner.engine.pull import Say
from runner.engine.spec import runs_image_program
from runner.engine.stepimages import Turn, failed_build
from runner.errors import BackendError, BuildError, ImageError
from runner.stop import Stop

Maker = Callable[[Mapping[str, str], Say, Stop, Turn], Container | None]
"""Creates the step's container with these more variables; None if stopped meanwhile. Raises BackendError."""


class GatedStep:
    """One step of a DockerSite. Its methods are called one after another; `remove` removes a container later.

    `wait_for_network` returns when the container may use its network, or raises BackendError.
    """

    def __init__(
        self, engine: Engine, make: Maker, remove: Callable[[str], None], wait_for_network: Callable[[], None]
    ) -> None:
        self._engine = engine
        self._make = make
        self._remove = remove
        self._wait_for_network = wait_for_network
        self._said: list[str] = []
        self._variables: Mapping[str, str] = {}
        self._container: Container | None = None
        self._stream: socket.socket | None = None

    def prepare(self) -> None:
        """Bring the container to its gate if its image is at hand. What stands in the way is met again by `release`."""
        with suppress(BackendError):
            self._bring_to_gate(self._variables, self._said.append, Stop(), Turn.AHEAD)

    def release(self, late: Mapping[str, str], output: Output, stop: Stop) -> Outcome:
        """Run the step to its end, `late` variables set before. Raises BackendError."""
        try:
            if not fits(late):
                self.discard()
                self._variables, late = late, {}
            if not stop.requested:
                say = said_by(output)
                persist(lambda: self._be_at_gate(say, stop), self._engine, stop.wait, say)
            if stop.requested or self._container is None or self._stream is None:
                return Outcome(status=stop.status, reason=stop.reason)
            release(self._stream, late)
            return follow(self._container, self._stream, output, stop)
        except BuildError as error:
            return failed_build(error)
        finally:
            self.discard()

    def discard(self) -> None:
        """Let go of the container, whatever has become of it."""
        if self._stream is not None:
            self._stream.close()
        if self._container is not None:
            self._remove(self._container.id)
        self._stream = self._container = None

    def _be_at_gate(self, say: Say, stop: Stop) -> None:
        """Have a container at its gate, a new one if need be, and say what was said when it was made."""
        if self._stream is not None and is_waiting(self._stream):
            for line in self._said:
                say(line)
        else:
            self.discard()
            self._bring_to_gate(self._variables, say, stop, Turn.NOW)
        try:
            self._wait_for_network()
        except BackendError:
            self.discard()  # another one needs another lane
            raise

    def _bring_to_gate(self, variables: Mapping[str, str], say: Say, stop: Stop, turn: Turn) -> None:
        self._container = self._make(variables, say, stop, turn)
        if self._container is not None:
            self._stream = start(self._container)


def program_of(step: PlannedStep, image: Image) -> tuple[str, ...]:
    """What the image runs, if the step leaves it to that. Raises ImageError if it runs nothing by itself."""
    if not runs_image_program(step):
        return ()
    program = (*image.entrypoint, *image.command)
    if not program:
        raise ImageError(f"image {step.image}: runs nothing by itself; give the step `commands` or an `entrypoint`")
    return program


def said_by(output: Output) -> Say:
    """Lines of our own, as output."""
    return lambda line: output(Stream.SYSTEM, line.encode() + b"\n")
