"""A local run's history: its Records in one file, its log lines in the log store, its artifacts beside them."""

from collections.abc import Iterator
from itertools import groupby, islice
from pathlib import Path

from pipelines.records import AnyRecord, Log, StepFinished, decode, encode
from runner.errors import UsageError
from runner.results.artifacts import DirectoryArtifacts
from runner.results.logstore import LogLine, LogStore

RECORDS = "records.jsonl"
_BLOCK_LINES = 500


class LocalHistory:
    """A Sink that keeps a run in a directory of its own below `runs`. Raises UsageError if there can't be one."""

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
        self._records = (self.directory / RECORDS).open("ab", buffering=0)

    def __call__(self, record: AnyRecord) -> None:
        """Keep one Record."""
        if isinstance(record, Log):
            self.logs.append(record)
            return
        self._records.write(encode(record) + b"\n")
        if isinstance(record, StepFinished):
            self.logs.finish(record.job, record.step)

    def close(self) -> None:
        """Bring everything to the disk."""
        self.logs.close()
        self._records.close()


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
    with (directory / RECORDS).open("rb") as file:
        for line in file:
            record = decode(line)
            if isinstance(record, StepFinished):
                yield from _log_of(record, logs)
            yield record


def _log_of(step: StepFinished, logs: LogStore) -> Iterator[Log]:
    for _, alike in groupby(logs.lines(step.job, step.step), key=lambda line: (line.stream, line.command)):
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
    )
