"""The small `.git` that a job's workspace gets, whether its files come from a mirror or from a laptop.

DESIGN. Nothing in the source is written or configured by it. The single commit that most jobs get, and a whole history
too, are packed as they lie there, which costs a tenth of a fetch; what is in between is fetched like a stranger's, over
`file://`. Git runs with no configuration but ours, and the `.git` holds no address but the origin's: neither the
source's place nor any credentials.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from runner.source.clonesettings import DEFAULT_CLONE, CloneSettings
from runner.source.fetch import PATIENCE
from runner.source.gitcommand import WITHOUT_USER_CONFIGURATION, configured, git
from runner.source.index import INDEX_SETTINGS
from runner.source.remotes import repository_of

# git passes no configuration on to the upload-pack at the other end of file://, but starts it as it is told.
_SERVING = {
    **WITHOUT_USER_CONFIGURATION,
    **configured(("remote.origin.uploadpack", "git -c uploadpack.allowAnySHA1InWant=true upload-pack")),
}
_SHA256_DIGITS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What to check out: `commit` in the repository at `source`. `branch` names it; `origin` is where it came from."""

    source: Path
    commit: str
    branch: str = ""
    origin: str = ""


def make_git_directory(
    revision: Revision, directory: Path, settings: CloneSettings = DEFAULT_CLONE, *, index: Path | None = None
) -> None:
    """An empty working tree at `directory` with a `.git` for this commit. Raises SourceError.

    `index` is moved into it; without one, it is filled with all of the commit.
    """
    branch = revision.branch or "headrace"
    git(directory, "init", "--quiet", *object_format(revision.commit), "--initial-branch", branch)
    git(directory, "remote", "add", "--", "origin", revision.source.as_uri())
    if settings.tags or settings.depth > 1:
        _fetch(revision, directory, settings)
    else:
        _pack(revision, directory, settings.depth)
    git(directory, "update-ref", "HEAD", revision.commit)
    if index:
        index.replace(directory / ".git" / "index")
    else:
        git(directory, "read-tree", "HEAD")
    for setting in INDEX_SETTINGS:
        git(directory, "config", *setting)
    _name_origin(revision, directory)


def object_format(commit: str) -> tuple[str, ...]:
    """The option that `git init` needs for a repository with commits like this one."""
    return ("--object-format=sha256",) if len(commit) == _SHA256_DIGITS else ()


def _pack(revision: Revision, directory: Path, depth: int) -> None:
    """One commit and its files, or all of its history, compressed as they are in the source, which is only read."""
    with tempfile.TemporaryFile() as wanted:
        wanted.write(_one_commit(revision) if depth else f"{revision.commit}\n".encode())
        wanted.seek(0)
        git(
            directory,
            "pack-objects", "--progress", "--window=0", "--delta-base-offset", *([] if depth else ["--revs"]),
            ".git/objects/pack/pack",
            environment={**WITHOUT_USER_CONFIGURATION, **_with_objects_of(revision.source)},
            given=wanted,
            timeout=PATIENCE,
        )  # fmt: skip
    if depth and _has_parents(revision):
        (directory / ".git" / "shallow").write_text(f"{revision.commit}\n")


def _one_commit(revision: Revision) -> bytes:
    """The names of the commit's objects."""
    listing = ("rev-list", "--objects", "--no-object-names", "--max-count=1")
    return git(revision.source, *listing, revision.commit, "--")


def _has_parents(revision: Revision) -> bool:
    return b"\nparent " in git(revision.source, "cat-file", "commit", revision.commit).partition(b"\n\n")[0]


def _with_objects_of(repository: Path) -> dict[str, str]:
    """What lets git read a repository's objects from another. It wants their place quoted, as one of a list."""
    path = git(repository, "rev-parse", "--git-path", "objects").decode(errors="surrogateescape").rstrip("\n")
    quoted = str(repository / path).replace("\\", "\\\\").replace('"', '\\"')
    return {"GIT_ALTERNATE_OBJECT_DIRECTORIES": f'"{quoted}"'}


def _fetch(revision: Revision, directory: Path, settings: CloneSettings) -> None:
    refspecs = [revision.commit] + ["+refs/tags/*:refs/tags/*"] * settings.tags
    options = [f"--depth={settings.depth}"] * bool(settings.depth)
    git(
        directory,
        "fetch", "--progress", "--no-tags", "--recurse-submodules=no", *options,
        "--end-of-options", "origin", *refspecs,
        environment=_SERVING,
        timeout=PATIENCE,
    )  # fmt: skip


def _name_origin(revision: Revision, directory: Path) -> None:
    """Put the true origin, without a name or a password, in the place of the source, which a step can't reach."""
    if revision.origin:
        git(directory, "remote", "set-url", "--", "origin", repository_of(revision.origin).clone_url)
    else:
        git(directory, "remote", "remove", "origin")
    (directory / ".git" / "FETCH_HEAD").unlink(missing_ok=True)
