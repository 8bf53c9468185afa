"""Checkouts: the tree a job sees, with a small `.git` of its own, whether it comes from a mirror or from a laptop.

DESIGN. Nothing in the source is written or configured by it. The single commit that most jobs get is packed as it lies
there, which costs a tenth of a fetch; more is fetched like a stranger's, over `file://`. Files are written by git with
no configuration but ours: a filter or a driver that `.gitattributes` names is not defined, hooks are off, and git
itself refuses trees with a `.git` or `..` in a path.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from runner.source.clonesettings import DEFAULT_CLONE, CloneSettings
from runner.source.gitcommand import WITHOUT_USER_CONFIGURATION, git

# git passes no configuration on to the upload-pack at the other end of file://, but starts it as it is told.
_SERVING = {
    **WITHOUT_USER_CONFIGURATION,
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "remote.origin.uploadpack",
    "GIT_CONFIG_VALUE_0": "git -c uploadpack.allowAnySHA1InWant=true -c uploadpack.allowFilter=true upload-pack",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What to check out: `commit` in the repository at `source`. `branch` names it; `origin` is where it came from."""

    source: Path
    commit: str
    branch: str = ""
    origin: str = ""


def make_git_directory(revision: Revision, directory: Path, settings: CloneSettings = DEFAULT_CLONE) -> None:
    """An empty working tree at `directory` with a `.git` for this commit, its index filled. Raises SourceError."""
    _make_repository(revision, directory, settings)
    git(directory, "read-tree", "HEAD")
    _name_origin(revision, directory)


def check_out(revision: Revision, directory: Path, settings: CloneSettings = DEFAULT_CLONE) -> None:
    """The commit's files and its `.git` in this empty directory. Raises SourceError."""
    _make_repository(revision, directory, settings)
    # Unlike `checkout-index`, this fetches the files that a partial repository lacks all at once.
    git(directory, "read-tree", "--reset", "-u", "HEAD", environment=_SERVING)
    _name_origin(revision, directory)


def _make_repository(revision: Revision, directory: Path, settings: CloneSettings) -> None:
    git(directory, "init", "--quiet", "--initial-branch", revision.branch or "headrace")
    git(directory, "remote", "add", "--", "origin", revision.source.as_uri())
    if (settings.depth, settings.tags, settings.partial) == (1, False, False):
        _pack(revision, directory)
    else:
        _fetch(revision, directory, settings)
    git(directory, "update-ref", "HEAD", revision.commit)


def _pack(revision: Revision, directory: Path) -> None:
    """Just the commit and its files, compressed as they are in the source, which is only read."""
    with_source = {**WITHOUT_USER_CONFIGURATION, "GIT_ALTERNATE_OBJECT_DIRECTORIES": _objects_of(revision.source)}
    with tempfile.TemporaryFile() as objects:
        objects.write(
            git(
                directory,
                "rev-list", "--objects", "--no-object-names", "--max-count=1", revision.commit, "--",
                environment=with_source,
            )
        )  # fmt: skip
        objects.seek(0)
        git(
            directory,
            "pack-objects", "--quiet", "--window=0", "--delta-base-offset", ".git/objects/pack/pack",
            environment=with_source,
            given=objects,
        )  # fmt: skip
    (directory / ".git" / "shallow").write_text(f"{revision.commit}\n")


def _objects_of(repository: Path) -> str:
    """Where a repository's objects are, quoted as git wants it in a list."""
    path = git(repository, "rev-parse", "--git-path", "objects").decode(errors="surrogateescape").rstrip("\n")
    quoted = str(repository / path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}"'


def _fetch(revision: Revision, directory: Path, settings: CloneSettings) -> None:
    refspecs = [revision.commit] + ["+refs/tags/*:refs/tags/*"] * settings.tags
    options = [f"--depth={settings.depth}"] * bool(settings.depth) + ["--filter=blob:none"] * settings.partial
    git(
        directory,
        "fetch", "--quiet", "--no-tags", "--recurse-submodules=no", *options, "--end-of-options", "origin", *refspecs,
        environment=_SERVING,
    )  # fmt: skip


def _name_origin(revision: Revision, directory: Path) -> None:
    """Put the true origin in the place of the source, which a step can't reach."""
    if revision.origin:
        git(directory, "remote", "set-url", "--", "origin", revision.origin)
    else:
        git(directory, "remote", "remove", "origin")
