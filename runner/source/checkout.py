"""Checkouts: the tree a job sees, with a small `.git` of its own, whether it comes from a mirror or from a laptop."""

from dataclasses import dataclass
from pathlib import Path

from runner.source.gitcommand import WITHOUT_USER_CONFIGURATION, git

# For the upload-pack at the other end of file://, which inherits our environment.
_ALLOW_ANY_COMMIT = {
    **WITHOUT_USER_CONFIGURATION,
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "uploadpack.allowAnySHA1InWant",
    "GIT_CONFIG_VALUE_0": "true",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What to check out: `commit` in the repository at `source`. `branch` names it; `origin` is where it came from."""

    source: Path
    commit: str
    branch: str = ""
    origin: str = ""


def make_git_directory(revision: Revision, directory: Path) -> None:
    """An empty working tree at `directory` whose `.git` holds just this commit, its index filled. Raises SourceError.

    The objects are fetched like a stranger's, over `file://`: nothing in the source is written or configured by it.
    """
    git(directory, "init", "--quiet", "--initial-branch", revision.branch or "headrace")
    git(
        directory,
        "fetch", "--quiet", "--depth=1", "--no-tags", "--end-of-options",
        revision.source.as_uri(), revision.commit,
        environment=_ALLOW_ANY_COMMIT,
    )  # fmt: skip
    git(directory, "update-ref", "HEAD", "FETCH_HEAD")
    git(directory, "read-tree", "HEAD")
    if revision.origin:
        git(directory, "remote", "add", "--", "origin", revision.origin)


def check_out(revision: Revision, directory: Path) -> None:
    """The commit's files and its `.git` in this empty directory. Raises SourceError."""
    make_git_directory(revision, directory)
    git(directory, "checkout-index", "--all", "--force")
