"""Storage: where a run's logs and artifacts lie. The server and the workers of one host share the directory."""

import os
import shutil
from collections.abc import Collection
from enum import StrEnum
from pathlib import Path

from runner.names import file_name
from runner.results.artifacts import DirectoryArtifacts
from runner.results.logstore import LogStore


class Files(StrEnum):
    """What a run leaves on disk."""

    LOGS = "logs"
    ARTIFACTS = "artifacts"


class Storage:
    """The directory of all runs."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def logs(self, run_id: str) -> LogStore:
        """The log files of a run."""
        return LogStore(self._root / run_id / Files.LOGS)

    def artifacts(self, run_id: str) -> DirectoryArtifacts:
        """The files that a run's steps left behind."""
        return DirectoryArtifacts(self._root / run_id / Files.ARTIFACTS)

    def carry_over(self, earlier: str, run_id: str, jobs: Collection[str]) -> None:
        """Give a run what these jobs of an earlier one have left: links to the same files, which never change again.

        Raises OSError if that can't be done.
        """
        for job in jobs:
            for part in Files:
                source = self._root / earlier / part / file_name(job)
                if source.is_dir():
                    target = self._root / run_id / part / file_name(job)
                    shutil.copytree(source, target, copy_function=_link, symlinks=True)
        self.artifacts(run_id).list_again(self.artifacts(earlier), jobs)

    def names(self) -> list[str]:
        """The ids of all runs that have a directory here, and whatever else lies here."""
        return sorted(path.name for path in self._root.iterdir()) if self._root.exists() else []

    def touched_at(self, run_id: str) -> float:
        """When something was last put into a run's directory, in seconds of the epoch; 0 if there is none."""
        directory = self._root / run_id
        places = [directory, *(directory / files for files in Files)]
        return max((place.stat().st_mtime for place in places if place.exists()), default=0.0)

    def size_bytes(self, run_id: str) -> int:
        """How much all files of a run take."""
        paths = (Path(parent) / name for parent, _, names in os.walk(self._root / run_id) for name in names)
        return sum(path.lstat().st_size for path in paths)

    def forget(self, run_id: str, files: Files | None = None) -> bool:
        """Remove these files of a run, or all that are here; gives whether there were any. Raises OSError."""
        directory = self._root / run_id / files if files else self._root / run_id
        if not directory.exists():
            return False
        shutil.rmtree(directory)
        return True


def _link(source: str, target: str) -> None:
    """One more name for a file; a copy where the file system has no room for one."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)
