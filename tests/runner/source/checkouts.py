"""Checkouts as they lie in a workspace, for tests to look at."""

import subprocess
from pathlib import Path

from pipelines.event import Event, Repository
from runner.source.access import MACHINE, Access
from runner.source.clonesettings import CloneSettings
from runner.source.mirrors import fetched_as_asked
from runner.source.tree import commit_tree
from tests.gitrepo import GitRepository


def push_of(clone_url: str | Path, sha: str) -> Event:
    """A push of a commit to the branch main."""
    repository = Repository(owner="acme", name="web", clone_url=str(clone_url))
    return Event(repository=repository, sha=sha, ref="refs/heads/main", branch="main")


def unpacked(
    tmp_path: Path, event: Event, settings: CloneSettings | None = None, *, access: Access = MACHINE
) -> GitRepository:
    """The checkout of an event's commit, from mirrors below `tmp_path`."""
    settings = settings or CloneSettings()
    mirror = fetched_as_asked(tmp_path / "mirrors", event, settings, access=access)
    copy = GitRepository.at(tmp_path / "workspace")
    copy.path.mkdir(parents=True)
    subprocess.run(["tar", "-x"], cwd=copy.path, input=b"".join(commit_tree(mirror, settings)), check=True)
    return copy
