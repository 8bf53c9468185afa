"""Records: one line each of a run's append-only history, in one shape everywhere.

`headrace run --output json`, the Redis stream, the API and the stored history all hold these, as JSON lines.
A Sink is anything that takes them: a terminal, a file, Redis, a test's list.
"""

from collections.abc import Callable
from enum import StrEnum

import msgspec

from pipelines.plan import Plan
from pipelines.pulls import PullProgress
from pipelines.status import Status

VERSION = 1


class Stream(StrEnum):
    """Which of a step's two outputs a line came from. `system` is Headrace's own word, such as a pull's progress."""

    STDOUT = "stdout"
    STDERR = "stderr"
    SYSTEM = "system"


class CommandRun(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a command that was reached. `exit_code` is None if it never ended, or nobody knows how.

    A command inside a loop counts as one: its time is the sum, its exit code the last.
    """

    command: int
    exit_code: int | None
    duration_ms: int


class Record(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=False):
    """What all Records share. `seq` grows by one a Record within a run; `time` is RFC 3339 in UTC with milliseconds."""

    v: int = VERSION
    seq: int
    time: str
    run: str


class RunStarted(Record, frozen=True, kw_only=True, tag="run_started"):
    """The run has a Plan. `plan` is that Plan."""

    plan: Plan


class RunFinished(Record, frozen=True, kw_only=True, tag="run_finished"):
    """Nothing of the run will change any more."""

    status: Status
    reason: str = ""
    duration_ms: int


class JobStarted(Record, frozen=True, kw_only=True, tag="job_started"):
    """A machine has taken the job and is making its workspace."""

    job: str


class JobFinished(Record, frozen=True, kw_only=True, tag="job_finished"):
    """The job has ended and its containers are gone."""

    job: str
    status: Status
    reason: str = ""
    duration_ms: int


class ImagePull(Record, frozen=True, kw_only=True, tag="image_pull"):
    """An image is on its way, ahead of their turn or not, to these steps and services of the job; told each second."""

    job: str
    image: str
    steps: tuple[str, ...]
    progress: PullProgress


class StepStarted(Record, frozen=True, kw_only=True, tag="step_started"):
    """The step's turn has come. `image` is the name the author wrote, `build CONTEXT` of one that is to be built."""

    job: str
    step: str
    image: str


class StepRetried(Record, frozen=True, kw_only=True, tag="step_retried"):
    """An attempt at the step has ended, and another follows after `delay_ms`, unless the step is stopped before.

    `attempt` counts from 1, of `attempts` at most. All else is about this attempt alone, as in `step_finished`.
    """

    job: str
    step: str
    attempt: int
    attempts: int
    status: Status
    exit_code: int | None = None
    reason: str = ""
    duration_ms: int
    delay_ms: int
    commands: tuple[CommandRun, ...] = ()


class StepFinished(Record, frozen=True, kw_only=True, tag="step_finished"):
    """The step has ended, or is known never to start. `exit_code` is None if no process ended by itself.

    `attempt` is the last one; `exit_code`, `commands` and `outputs` (with secrets hidden) are its. `duration_ms` is the
    time of all of them. `image` is what the name meant: the digest of what the last one ran in, or the id of an image
    that was made on the engine's machine; empty if no container ran, or if whatever ran the step knows no images.
    """

    job: str
    step: str
    status: Status
    exit_code: int | None = None
    reason: str = ""
    duration_ms: int
    attempt: int = 1
    commands: tuple[CommandRun, ...] = ()
    outputs: dict[str, str] = {}
    image: str = ""


class Log(Record, frozen=True, kw_only=True, tag="log"):
    """Whole lines of a step's output, without their newlines. `line` counts both streams together, from 1.

    `command` is the index of the command that printed them, or None if that is not known; `attempt` is which attempt
    at the step it was.
    """

    job: str
    step: str
    stream: Stream
    line: int
    lines: tuple[str, ...]
    command: int | None = None
    attempt: int = 1


class Artifact(Record, frozen=True, kw_only=True, tag="artifact"):
    """One file that a step left behind is stored. `path` is relative to the workspace, `sha256` in hex."""

    job: str
    step: str
    path: str
    size_bytes: int
    sha256: str


AnyRecord = (
    RunStarted
    | RunFinished
    | JobStarted
    | JobFinished
    | ImagePull
    | StepStarted
    | StepRetried
    | StepFinished
    | Log
    | Artifact
)
Sink = Callable[[AnyRecord], None]

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyRecord] = msgspec.json.Decoder(AnyRecord)


def encode(record: AnyRecord) -> bytes:
    """One line of JSON, without its newline."""
    return _encoder.encode(record)


def decode(line: bytes) -> AnyRecord:
    """The Record that `encode` made this line from. Raises `msgspec.ValidationError` for anything else."""
    return _decoder.decode(line)
