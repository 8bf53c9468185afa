"""Storage: where a run's logs and artifacts lie. The server and the workers of one host share the directory."""

import shutil
from pathlib import Path

from runner.results.artifacts import DirectoryArtifacts
from runner.results.logstore import LogStore


class Storage:
    """The directory of all runs."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def logs(self, run_id: str) -> LogStore:
        """The log files of a run."""
        return LogStore(self._root / run_id / "logs")

    def artifacts(self, run_id: str) -> DirectoryArtifacts:
        """The files that a run's steps left behind."""
        return DirectoryArtifacts(self._root / run_id / "artifacts")

    def forget(self, run_id: str) -> None:
        """Remove all of a run that the database doesn't know any more. Raises OSError if that can't be done."""
        directory = self._root / run_id
        if directory.exists():
            shutil.rmtree(directory)
