"""A local run's history: its Records in one file, its log lines in the log store, its artifacts beside them.

DESIGN. While a run is under way, its process holds a lock on the file of Records, which gets its name only once it is
locked. So a history without the lock and without `run_finished` is one of a run that was killed.
"""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from enum import Enum, auto
from itertools import groupby, islice
from pathlib import Path

import msgspec

from pipelines.records import AnyRecord, Log, RunFinished, StepFinished, decode, encode
from runner.errors import SinkError, UsageError
from runner.results.artifacts import DirectoryArtifacts
from runner.results.logstore import LogLine, LogStore

RECORDS = "records.jsonl"
_BLOCK_LINES = 500


class LocalHistory:
    """A Sink that keeps a run in a directory of its own below `runs`. Raises UsageError if there can't be one.

    What can't be kept later, for a disk that is full, is a SinkError that names the place.
    """

    def __init__(self, runs: Path, run: str) -> None:
        self.directory = runs / run
        try:
            self.directory.mkdir(parents=True, mode=0o700)
        except OSError as error:
            raise UsageError(
                f"can't keep the run in {runs}: {error.strerror}; choose another HEADRACE_STATE"
            ) from error
        self.logs = LogStore(self.directory / "logs")
        self.artifacts = DirectoryArtifacts(self.directory / "artifacts")
        self._records = (self.directory / f"{RECORDS}.new").open("ab", buffering=0)
        fcntl.flock(self._records, fcntl.LOCK_EX)
        Path(self._records.name).rename(self.directory / RECORDS)

    def __call__(self, record: AnyRecord) -> None:
        """Keep one Record."""
        with self._named():
            if isinstance(record, Log):
                self.logs.append(record)
                return
            self._records.write(encode(record) + b"\n")
            if isinstance(record, StepFinished):
                self.logs.finish(record.job, record.step)

    def close(self) -> None:
        """Bring everything to the disk."""
        with closing(self._records), self._named():
            self.logs.close()

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SinkError(f"can't keep the run in {self.directory}: {error.strerror}") from error


def find_run(runs: Path, wanted: str) -> Path:
    """The directory of the run whose id begins with `wanted`, or of the latest if that is empty. Raises UsageError."""
    found = sorted(path for path in runs.glob("*") if path.name.startswith(wanted) and (path / RECORDS).exists())
    if not found:
        raise UsageError(f"there is no run {wanted!r} in {runs}" if wanted else f"there is no run in {runs} yet")
    if wanted and len(found) > 1:
        raise UsageError(f"{len(found)} runs begin with {wanted!r}: give more of the id")
    return found[-1]


def replayed(directory: Path) -> Iterator[AnyRecord]:
    """A kept run's Records as they were, but for the log: each step's comes at once, when the step ends."""
    logs = LogStore(directory / "logs")
    for record in without_logs(directory):
        if isinstance(record, StepFinished):
            yield from _log_of(record, logs)
        yield record


def without_logs(directory: Path) -> Iterator[AnyRecord]:
    """A kept run's Records as they were, without those of the log."""
    with (directory / RECORDS).open("rb") as file:
        yield from map(decode, file)


class _State(Enum):
    """Where the run of a history is."""

    UNDER_WAY = auto()
    ENDED = auto()
    KILLED = auto()


def forget_runs(runs: Path, *, keep: int | None = None) -> int:
    """Remove the histories of runs that were killed, and of those that have ended all but the last `keep`.

    None keeps them all. Gives how many were removed. Raises UsageError if one can't be.
    """
    states = {path.parent: _state(path) for path in sorted(runs.glob(f"*/{RECORDS}"))}
    ended = [directory for directory, state in states.items() if state is _State.ENDED]
    surplus = ended[: max(0, len(ended) - keep)] if keep is not None else []
    unwanted = [directory for directory, state in states.items() if state is _State.KILLED] + surplus
    for directory in unwanted:
        try:
            shutil.rmtree(directory)
        except OSError as error:
            raise UsageError(f"can't remove {directory}: {error.strerror}") from error
    return len(unwanted)


def _state(records: Path) -> _State:
    with records.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _State.UNDER_WAY
        last = b"".join(file.readlines()[-1:])
    try:
        return _State.ENDED if isinstance(decode(last), RunFinished) else _State.KILLED
    except msgspec.DecodeError:  # a line that was torn, or none at all
        return _State.KILLED


def _log_of(step: StepFinished, logs: LogStore) -> Iterator[Log]:
    lines = logs.lines(step.job, step.step)
    for _, alike in groupby(lines, key=lambda line: (line.stream, line.command, line.attempt)):
        while block := list(islice(alike, _BLOCK_LINES)):
            yield _as_record(step, block)


def _as_record(step: StepFinished, block: list[LogLine]) -> Log:
    first = block[0]
    return Log(
        seq=step.seq,
        time=first.time,
        run=step.run,
        job=step.job,
        step=step.step,
        stream=first.stream,
        line=first.line,
        lines=tuple(line.text for line in block),
        command=first.command,
        attempt=first.attempt,
    )
