"""Storage: where a run's logs and artifacts lie. The server and the workers of one host share the directory."""

import os
import shutil
from collections.abc import Collection
from pathlib import Path

from runner.names import file_name
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

    def carry_over(self, earlier: str, run_id: str, jobs: Collection[str]) -> None:
        """Give a run what these jobs of an earlier one have left: links to the same files, which never change again.

        Raises OSError if that can't be done.
        """
        for job in jobs:
            for part in ("logs", "artifacts"):
                source = self._root / earlier / part / file_name(job)
                if source.is_dir():
                    target = self._root / run_id / part / file_name(job)
                    shutil.copytree(source, target, copy_function=_link, symlinks=True)
        self.artifacts(run_id).list_again(self.artifacts(earlier), jobs)

    def forget(self, run_id: str) -> None:
        """Remove all of a run that the database doesn't know any more. Raises OSError if that can't be done."""
        directory = self._root / run_id
        if directory.exists():
            shutil.rmtree(directory)


def _link(source: str, target: str) -> None:
    """One more name for a file; a copy where the file system has no room for one."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)
