"""What becomes of mirrors that nobody wants any more."""

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from pipelines.event import Event, Repository
from runner.source.access import MACHINE, Access, GitCredentials
from runner.source.disuse import remove_unused
from runner.source.mirror import Mirror
from runner.source.mirrorlock import lock_of, try_lock
from runner.source.mirrors import fetched
from runner.source.tries import Tries
from tests.gitrepo import GitRepository
from tests.runner.source.gitserver import GitServer

HOUR = timedelta(hours=1)
NAMES = [MACHINE, GitCredentials(owner="acme/web", username="ann", password="t0ken")]


@pytest.fixture
def event(tmp_path: Path, server: GitServer) -> Event:
    repository = GitRepository(tmp_path / "origin")
    sha = repository.commit(a="1")
    server.publish(repository, "acme/web")
    url = f"{server.url}/acme/web.git"
    return Event(repository=Repository(clone_url=url), sha=sha, ref="refs/heads/main")


def grow_old(root: Path, mirror: Mirror) -> None:
    two_hours_ago = time.time() - 7200
    os.utime(mirror.directory.with_suffix(".lock"), (two_hours_ago, two_hours_ago))


@pytest.mark.parametrize("access", NAMES)
def test_mirror_that_was_not_wanted_lately_goes_whole(tmp_path: Path, event: Event, access: Access) -> None:
    root = tmp_path / "mirrors"
    mirror = fetched(root, event, access=access)
    (mirror.directory / "packed-refs.lock").touch()  # as a killed git leaves it
    assert remove_unused(root, HOUR) == 0
    assert (mirror.directory / "HEAD").exists()
    grow_old(root, mirror)
    assert remove_unused(root, HOUR) == 1
    assert [path for path in root.rglob("*") if not path.is_dir()] == []
    assert not mirror.directory.exists()
    assert fetched(root, event, access=access).directory == mirror.directory


def test_mirror_that_is_wanted_again_stays_though_nothing_was_fetched(tmp_path: Path, event: Event) -> None:
    root = tmp_path / "mirrors"
    grow_old(root, fetched(root, event))
    fetched(root, event)
    assert remove_unused(root, HOUR) == 0


def test_mirror_that_somebody_fills_stays(tmp_path: Path, event: Event) -> None:
    root = tmp_path / "mirrors"
    mirror = fetched(root, event)
    with lock_of(mirror.directory, Tries()):
        grow_old(root, mirror)
        assert remove_unused(root, HOUR) == 0
    assert remove_unused(root, HOUR) == 1


def test_lock_that_went_with_its_mirror_is_nobodys(tmp_path: Path) -> None:
    """Who opened the file before it went doesn't believe to have the lock that others take by its name."""
    directory = tmp_path / "mirror"
    with try_lock(directory) as lock:
        assert lock is not None
        directory.with_suffix(".lock").unlink()
        with lock_of(directory, Tries()) as other:
            assert os.fstat(other).st_nlink == 1


def test_nothing_is_removed_where_nothing_is(tmp_path: Path) -> None:
    assert remove_unused(tmp_path / "mirrors", HOUR) == 0
