"""Symptoms: what a failed step printed last may name a limit that the engine doesn't tell of.

DESIGN. An engine has a flag for memory that ran out, and nothing for processes or disk: there a program meets an error
number, and prints its text. So the end of the output is kept, and read if the step failed. What is concluded from a
program's words is said as such, and changes no status.
"""

from dataclasses import replace

from pipelines.records import Stream
from pipelines.status import Status
from runner.backend import Outcome, Output

_KEPT_BYTES = 4096
_NOT_FOUND = 127
_SIGNS = (
    (b"o space left on device", "no space left on device"),  # some write the beginning small
    (b"Disk quota exceeded", "disk quota exceeded"),
    (b"Exec format error", "the program is for another kind of processor"),
    (b"exec format error", "the program is for another kind of processor"),
)
_FORK_SIGNS = (
    b"fork: Resource temporarily unavailable",
    b"fork: retry: Resource temporarily unavailable",
    b"can't fork: Resource temporarily unavailable",
    b"Cannot fork",
    b"pthread_create failed",
    b"unable to create native thread",
    b"BlockingIOError: [Errno 11]",
    b"can't start new thread",
    b"failed to create new OS thread",
    b"failed to spawn thread",
    b"spawn EAGAIN",
)


class Symptoms:
    """Passes a step's output on and remembers its end, both outputs together. `program` is what the step runs."""

    def __init__(self, output: Output, *, pids_limit: int, program: str = "") -> None:
        self._output = output
        self._pids_limit = pids_limit
        self._program = program
        self._end = b""

    @property
    def last_words(self) -> bytes:
        """The end of the output so far."""
        return self._end

    def output(self, stream: Stream, data: bytes) -> None:
        """Take the next bytes of a stream."""
        if stream is not Stream.SYSTEM:
            self._end = (self._end + data[-_KEPT_BYTES:])[-_KEPT_BYTES:]
        self._output(stream, data)

    def explain(self, outcome: Outcome) -> Outcome:
        """The outcome, its reason with what the output says about it."""
        if outcome.status is not Status.FAILURE or outcome.exit_code is None:
            return outcome
        if (
            outcome.exit_code == _NOT_FOUND and self._end == f"{self._program}: not found\n".encode()
        ):  # our gate's words
            return replace(outcome, reason=f"exit code {_NOT_FOUND}: the image has no {self._program}")
        signs = [words for sign, words in _SIGNS if sign in self._end]
        if any(sign in self._end for sign in _FORK_SIGNS):
            signs.append(f"no more processes, of which it may have {self._pids_limit}")
        return replace(outcome, reason=f"{outcome.reason} (its output says: {signs[0]})") if signs else outcome
