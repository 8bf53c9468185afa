"""Changed files: whether those of an event are what a `path` condition asks for, in one phrase.

A push may have changed more files than there is time for. Then the condition holds: to run what need not run is the
smaller mistake.
"""

from collections.abc import Sequence

from pipelines.allowance import Budget, OverspentError
from pipelines.finding import Finding, either
from pipelines.globs import glob
from pipelines.model import PathFilter


class ChangedFiles:
    """The changed files of one event, one or more, with what filters have made of them."""

    def __init__(self, files: Sequence[str]) -> None:
        self._files = files
        self._known: dict[PathFilter, Finding] = {}

    def judge(self, path: PathFilter, budget: Budget) -> Finding:
        """What the filter's globs make of the files. `budget` is what is left of comparisons."""
        if path not in self._known:
            try:
                self._known[path] = self._excluded(path, budget) or self._included(path, budget)
            except OverspentError:
                few = f"{len(self._files):,} changed files are too many to compare"
                return Finding(holds=True, phrase=f"path holds, for {few}")
        return self._known[path]

    def _excluded(self, path: PathFilter, budget: Budget) -> Finding | None:
        """What `exclude` decides, whatever is to be included; None if that is still to be seen."""
        excluding = _Globs(path.exclude, budget)
        left = next((file for file in self._files if not excluding.first_match(file)), None)
        if left is None:
            first, count = self._files[0], len(self._files)
            which = first if count == 1 else f"{first}, as all {count} changed files,"
            return Finding(holds=False, phrase=f"path {which} is excluded by {excluding.first_match(first)}")
        return None if path.include else Finding(holds=True, phrase=f"path {left} is not excluded")

    def _included(self, path: PathFilter, budget: Budget) -> Finding:
        including = _Globs(path.include, budget)
        for file in self._files:
            if by := including.first_match(file):
                return Finding(holds=True, phrase=f"path {file} matches {by}")
        first, count = self._files[0], len(self._files)
        which = f"{first} does not match" if count == 1 else f"none of {count} changed files matches"
        return Finding(holds=False, phrase=f"path {which} {either(path.include)}")


class _Globs:
    """Globs that are held against many files."""

    def __init__(self, patterns: Sequence[str], budget: Budget) -> None:
        budget.spend(sum(20 + len(pattern) for pattern in patterns))  # to make them ready takes time, too
        self._ready = [(pattern, glob(pattern)) for pattern in patterns]
        self._budget = budget

    def first_match(self, file: str) -> str:
        """The first of the globs that matches, or `""`."""
        for pattern, ready in self._ready:
            self._budget.spend(ready.effort(file))
            if ready.matches(file):
                return pattern
        return ""
