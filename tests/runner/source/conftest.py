"""What tests of sources share: a repository, its server, and a checkout as it lies in a workspace."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gitrepo import GitRepository
from tests.runner.source.gitserver import GitServer, git_server


@pytest.fixture
def origin(tmp_path: Path) -> GitRepository:
    """An empty repository."""
    return GitRepository(tmp_path / "origin")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    """A git server without repositories."""
    with git_server(tmp_path / "server") as server:
        yield server
