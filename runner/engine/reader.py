"""Reader: takes what a container prints from the engine's stream, in a thread of its own, and hands it on.

DESIGN. A stream that breaks looks like one that ends; whether it has ended is for whoever knows the container's state
to say, and to give another stream that goes on. After a container's end its stream ends by itself, but behind all that
is still on its way, and whoever takes the output may be slow: so what is waited for is silence, not the clock.
An engine may take no container for ended, SIGKILL or not, while there is output that it can't get rid of (Docker 20.10
doesn't even answer questions about it then). So whoever won't read on shuts the stream before anything else. An Output
that takes nothing any more, such as a pipe to a pager, holds its thread for as long as it likes. A container that is
killed isn't to outlive its grace for that: its stream is `cut`, and the thread left to itself, with nothing to hand on.
"""

import socket
import struct
import threading
import time
from contextlib import suppress

from pipelines.records import Stream
from runner.backend import Output
from runner.engine.client import Engine
from runner.engine.outage import persist
from runner.errors import BackendError

OUTPUT_GRACE_SECONDS = 5.0
_LOOK_SECONDS = 0.2
_STUCK_SECONDS = 1.0
_READ_BYTES = 256 * 1024
_HEADER = struct.Struct(">BxxxL")
_STREAMS = {1: Stream.STDOUT, 2: Stream.STDERR}


class Reader:
    """Reads a container's frames and hands them to an Output, until the stream ends or `close`."""

    def __init__(self, engine: Engine, container: str, stream: socket.socket, output: Output) -> None:
        self.output = output
        self._engine = engine
        self._container = container
        self._failure: Exception | None = None
        self._silent_since: float | None = None
        self._busy_since: float | None = None
        self._closed = threading.Event()
        self._is_cut = False
        self._begin(stream)

    @property
    def has_ended(self) -> bool:
        """True once the stream has ended."""
        return not self._thread.is_alive()

    @property
    def is_stuck(self) -> bool:
        """True while the Output has been busy with one and the same piece for longer than it could need."""
        since = self._busy_since
        return since is not None and time.monotonic() - since > _STUCK_SECONDS

    def resume(self, stream: socket.socket) -> None:
        """Go on with another stream of the same container, after the one before has ended."""
        self._thread.join()
        self._socket.close()
        self._begin(stream)

    def say(self, line: str) -> None:
        """Add a line of our own to the output."""
        self.output(Stream.SYSTEM, line.encode() + b"\n")

    def finish(self) -> None:
        """Wait for the stream's end, after the container's. Raises what the Output raised."""
        while self._thread.is_alive() and self._silent_seconds() < OUTPUT_GRACE_SECONDS and not self._is_cut:
            self._thread.join(min(OUTPUT_GRACE_SECONDS - self._silent_seconds(), _LOOK_SECONDS))
        self.close()
        self.check()

    def check(self) -> None:
        """Raises what the Output raised, if it has."""
        if self._failure is not None:
            raise self._failure

    def cut(self) -> None:
        """Hand nothing more on, as the container was killed; what the Output is still busy with is not waited for."""
        self._is_cut = True
        self._shut()

    def close(self) -> None:
        """End the thread, or, after a `cut`, leave it to end once the Output lets it. May be called again."""
        self._closed.set()
        if self._thread.is_alive():
            self._shut()
        self._thread.join(0 if self._is_cut else None)
        self._socket.close()

    def _shut(self) -> None:
        """Let nothing more come."""
        with suppress(OSError):  # the engine may have ended the stream already
            self._socket.shutdown(socket.SHUT_RDWR)

    def _begin(self, stream: socket.socket) -> None:
        self._socket = stream
        self._thread = threading.Thread(target=self._work, name="headrace-output", daemon=True)
        self._thread.start()

    def _silent_seconds(self) -> float:
        """For how long the stream has been waited for in vain; 0 while what came is handed on."""
        since = self._silent_since
        return 0.0 if since is None else time.monotonic() - since

    def _work(self) -> None:
        try:
            self._read()
        except OSError:
            pass  # a stream that breaks is told from one that ends by the container's state
        except Exception as failure:  # noqa: BLE001 - an Output is anybody's; its error belongs to the step's thread
            self._failure = failure
            self._kill()

    def _kill(self) -> None:
        """End the container, as nobody takes what it prints."""
        self._shut()
        with suppress(BackendError):  # who waits for the container meets the same engine and tells
            persist(lambda: self._engine.signal(self._container, "SIGKILL"), self._engine, self._closed.wait)

    def _read(self) -> None:
        """Cut what comes into frames: stream number, three zeros, length; then so many bytes."""
        held = bytearray()
        while data := self._receive():
            held += data
            position = 0
            while len(held) - position >= _HEADER.size:
                number, length = _HEADER.unpack_from(held, position)
                end = position + _HEADER.size + length
                if end > len(held):
                    break
                if self._is_cut:
                    return
                self._hand_on(_STREAMS[number], bytes(held[position + _HEADER.size : end]))
                position = end
            del held[:position]

    def _hand_on(self, stream: Stream, data: bytes) -> None:
        self._busy_since = time.monotonic()
        self.output(stream, data)
        self._busy_since = None

    def _receive(self) -> bytes:
        self._silent_since = time.monotonic()
        try:
            return self._socket.recv(_READ_BYTES)
        finally:
            self._silent_since = None
