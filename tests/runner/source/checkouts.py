"""Checkouts as they lie in a workspace, for tests to look at."""

import subprocess
from pathlib import Path

from pipelines.event import Event, Repository
from runner.source.access import MACHINE, Access
from runner.source.clonesettings import CloneSettings
from runner.source.mirrors import fetched_as_asked
from runner.source.tree import commit_tree
from runner.source.written import write_commit
from runner.stop import Stop
from tests.gitrepo import GitRepository


def push_of(clone_url: str | Path, sha: str) -> Event:
    """A push of a commit to the branch main."""
    repository = Repository(owner="acme", name="web", clone_url=str(clone_url))
    return Event(repository=repository, sha=sha, ref="refs/heads/main", branch="main")


def unpacked(
    tmp_path: Path, event: Event, settings: CloneSettings | None = None, *, access: Access = MACHINE
) -> GitRepository:
    """The checkout of an event's commit, from mirrors below `tmp_path`: the same, unpacked and written."""
    settings = settings or CloneSettings()
    mirror = fetched_as_asked(tmp_path / "mirrors", event, settings, access=access)
    copy, written = GitRepository.at(tmp_path / "workspace"), tmp_path / "written"
    for place in (copy.path, written):
        place.mkdir(parents=True)
    subprocess.run(["tar", "-x"], cwd=copy.path, input=b"".join(commit_tree(mirror, settings)), check=True)
    write_commit(mirror, settings, written, Stop())
    assert looks(written) == looks(copy.path)
    return copy


def looks(directory: Path) -> dict[str, tuple[object, ...]]:
    """All that is below a directory: type and mode, time, contents. What git makes has times of its own, also in it."""
    paths = [path.relative_to(directory) for path in directory.rglob("*")]
    return {path.as_posix(): _look(directory, path) for path in paths if not _is_gits(path, directory)}


def _is_gits(path: Path, directory: Path) -> bool:
    """A directory of git's own, which may be empty, or a log of when what was done."""
    return ".git" in path.parts and ("logs" in path.parts or (directory / path).is_dir())


def _look(directory: Path, path: Path) -> tuple[object, ...]:
    file = directory / path
    status = file.lstat()
    if file.is_dir() and not file.is_symlink():
        return (status.st_mode,)
    content = file.readlink() if file.is_symlink() else file.read_bytes()
    return status.st_mode, content, None if ".git" in path.parts else status.st_mtime_ns
