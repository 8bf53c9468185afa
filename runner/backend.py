"""Backend: what carries out steps. Docker is one; the scripted one in the tests passes the same contract tests.

LIFE CYCLE. `Backend.open` begins a Site for one job: its network, its workspace filled from the source, its lanes.
Steps may be made `ready` at once, all else comes after `wait_until_open`. The executor calls `serve` for each service
and detached step (from a thread each), `ready` for each other step (from any thread, also long before its turn),
`collect` after a step that keeps artifacts, `output_of` after one that has outputs, and `close` at the very end,
whatever happened. What `ready` gives is released once, when the step's turn has come, or else discarded. Of those that
are ready in one lane, one may be released at a time. `close` may be called twice and leaves nothing in the engine. A
step that fails is an Outcome, never an exception; exceptions (BackendError) mean that the machinery failed and the job
ends as *error*.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Protocol

from pipelines.plan import PlannedJob, PlannedStep
from pipelines.pulls import PullProgress
from pipelines.records import Stream
from pipelines.status import Status
from runner.stop import Stop

Output = Callable[[Stream, bytes], None]
"""Takes a step's raw output as it comes, in order, from one thread at a time."""


@dataclass(frozen=True, slots=True)
class Beside:
    """A tar stream, with its end, that may be unpacked while another is: neither has a path or directory of the other.

    Nothing is done for it before `chunks` is called, in whichever thread.
    """

    chunks: Callable[[], Iterator[bytes]]


PullSink = Callable[[str, tuple[str, ...], PullProgress], None]
"""Takes how far the pull of an image is, with the names of the steps and services that want it; from any thread."""


def unheard(_image: str, _steps: tuple[str, ...], _progress: PullProgress) -> None:
    """A PullSink for whom nobody listens."""


@dataclass(frozen=True, slots=True)
class Writer:
    """What puts all of a tree into a directory of this machine that no author's program can reach meanwhile.

    The directory has at most other directories in it; the stop ends the writing with an error.
    """

    write: Callable[[Path, Stop], None]


Piece = bytes | Beside | Writer
"""A chunk of a tree's tar stream; another stream, to be unpacked at the same time; or, before all, a Writer of the
same: who has it write reads no further, who has no directory for it goes on."""

Tree = Callable[[], Iterator[Piece]]
"""The workspace's files as a tar stream in pieces; paths are relative to the workspace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """Who a job belongs to: it names and labels everything made for it. `attempt` counts from 1."""

    run: str
    job: str
    attempt: int = 1


class Shortage(StrEnum):
    """What a step had too little of, in words."""

    MEMORY = "out of memory"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a step ended. `exit_code` is None if no process ended by itself; `reason` is one phrase for people.

    `shortage` is what the engine itself says that the step ran out of. `image` is what it ran in: its digest, or
    the id of one that was made on the engine's machine; empty if no container ran.
    """

    status: Status
    exit_code: int | None = None
    reason: str = ""
    shortage: Shortage | None = None
    image: str = ""


@dataclass(slots=True, kw_only=True)
class WorkspaceFile:
    """A regular file of the workspace. `path` is relative to it; `content` must be read before the next one comes."""

    path: str
    size_bytes: int
    content: BinaryIO = field(repr=False)


class Readied(Protocol):
    """One step, made ready as far as can be without any of its own program running."""

    def release(self, late: Mapping[str, str], output: Output, stop: Stop) -> Outcome:
        """Run the step to its end. All its output has been given to `output` on return.

        `late` are variables that were not known when it was made ready; they win. An Outcome that `stop` brought
        about, also before the start, has its status and reason. Raises BackendError; what stood in the way of making
        the step ready is tried once more and told here.
        """

    def discard(self) -> None:
        """Remove what was made: the step's turn never comes. Raises nothing, doesn't wait, may be called again.

        After a release there is nothing left to remove.
        """


class Site(Protocol):
    """One job's private network, workspace and lanes on one engine."""

    @property
    def lanes(self) -> int:
        """How many steps may run at once."""

    def wait_until_open(self) -> None:
        """Wait until the workspace is filled and steps can run. Raises BackendError or SourceError."""

    def serve(
        self,
        service: PlannedStep,
        environment: Mapping[str, str],
        output: Output,
        stop: Stop,
        started: Callable[[], None],
    ) -> Outcome:
        """Run a background container that steps reach by its name, until it ends or `stop` asks.

        Calls `started` once, when the container runs and its health check, if it has one, has succeeded; not at all if
        it can't be started. One that doesn't become healthy is stopped and is a failure, whose reason says so. An
        Outcome that `stop` brought about has its status and reason.
        """

    def ready(self, step: PlannedStep, environment: Mapping[str, str], lane: int) -> Readied:
        """Make a step ready to run in a fresh container in this lane, counted from 0. Raises no BackendError."""

    def collect(self, patterns: tuple[str, ...]) -> Iterator[WorkspaceFile]:
        """The regular files of the workspace that match any of these globs, in order of their path."""

    def output_of(self, step: PlannedStep) -> bytes:
        """What the last attempt at a step wrote to the file `$CI_OUTPUT`, which was empty when it began.

        Of a file that is too large, no more than one byte beyond `LARGEST_BYTES`.
        """

    def close(self) -> None:
        """Stop and remove all that was made for the job."""


class Backend(Protocol):
    """Makes Sites. One Backend serves many jobs, from many threads."""

    def open(self, job: PlannedJob, ticket: Ticket, tree: Tree, stop: Stop, pulls: PullSink = unheard, /) -> Site:
        """A Site for this job, in the making: what goes wrong with it is told by its `wait_until_open`.

        Until it is closed, `pulls` hears of images that are on their way, also ahead of their step's turn.
        """
