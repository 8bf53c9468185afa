"""What workflow files of a working tree may include: its own files, and those of other repositories."""

import importlib
from pathlib import Path
from typing import Any

from pipelines.reading.library import Library
from runner.includable import files_below
from runner.stop import Stop


class LibrariesHere:
    """The libraries of a directory, itself the `own` one. What fetches others is loaded once a file wants one of them.

    A requested `stop` ends fetching.
    """

    def __init__(self, root: Path, *, stop: Stop | None = None) -> None:
        self._root = root
        self._stop = stop or Stop()
        self._others: Any = None  # an Others and its Origin
        self.own = Library(files=files_below(root), reach=self._reach)

    @property
    def texts(self) -> dict[str, bytes]:
        """The contents of all files that were read, by their names in problems."""
        own = {self.own.called(path): text for path, text in self.own.files.items()}
        return {**own, **self._others[0].texts} if self._others else own

    def _reach(self, repo: str, ref: str) -> Library:
        if self._others is None:
            # With git comes a fifth of a second, which `headrace lint` has no other use for.
            here: Any = importlib.import_module("runner.source.othershere")
            self._others = here.others_here(self._root, self._stop)
        others, origin = self._others
        library: Library = others.reach(origin, repo, ref)
        return library
