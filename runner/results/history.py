"""A local run's history: its Records in one file, its log lines in the log store, its artifacts beside them."""

from pathlib import Path

from pipelines.records import AnyRecord, Log, StepFinished, encode
from runner.results.artifacts import DirectoryArtifacts
from runner.results.logstore import LogStore


class LocalHistory:
    """A Sink that keeps a run in a directory of its own below `runs`."""

    def __init__(self, runs: Path, run: str) -> None:
        self.directory = runs / run
        self.directory.mkdir(parents=True, mode=0o700)
        self.logs = LogStore(self.directory / "logs")
        self.artifacts = DirectoryArtifacts(self.directory / "artifacts")
        self._records = (self.directory / "records.jsonl").open("ab", buffering=0)

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
