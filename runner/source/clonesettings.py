"""CloneSettings: how much of a repository a job gets, as a workflow's `clone` asks."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CloneSettings:
    """What the checkout holds besides the commit's files.

    `depth` is the number of commits of history, 0 for all; `tags` brings the repository's tags, `submodules` the
    trees of its submodules and of theirs. `partial` leaves out the contents of files of earlier commits: git fetches
    them from the origin when it comes to need them.
    """

    depth: int = 1
    tags: bool = False
    partial: bool = False
    submodules: bool = False


DEFAULT_CLONE = CloneSettings()
