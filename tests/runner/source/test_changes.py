"""Changed files, of real repositories: what the author of a `path` condition would say has changed."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from pipelines.event import Event, EventKind, PullRequest, Repository
from runner.source.changes import changed_files
from runner.source.mirrors import fetched
from tests.gitrepo import GitRepository


def push_of(origin: GitRepository, sha: str, *, branch: str = "main", before: str = "", default: str = "") -> Event:
    repository = Repository(owner="acme", name="web", clone_url=str(origin.path), default_branch=default)
    return Event(repository=repository, sha=sha, before=before, ref=f"refs/heads/{branch}", branch=branch)


def pull_request_of(origin: GitRepository, sha: str, kind: EventKind = EventKind.PULL_REQUEST) -> Event:
    request = PullRequest(number=7, source_branch="oil", target_branch="main")
    return replace(push_of(origin, sha), kind=kind, ref="refs/heads/oil", pull_request=request)


def changes(tmp_path: Path, event: Event) -> tuple[str, ...] | None:
    return changed_files(fetched(tmp_path / "mirrors", event))


def branched(origin: GitRepository) -> str:
    """`oil` leaves `main` with two commits, which goes on by another; gives the tip of `oil`."""
    origin.commit(a="1")
    origin.git("checkout", "--quiet", "-b", "oil")
    origin.commit(b="1")
    tip = origin.commit(c="1")
    origin.git("checkout", "--quiet", "main")
    origin.commit(d="1")
    return tip


def test_push_has_changed_what_came_with_it(origin: GitRepository, tmp_path: Path) -> None:
    first = origin.commit(a="1")
    origin.commit(b="1")
    assert changes(tmp_path, push_of(origin, origin.commit(c="1"), before=first)) == ("b", "c")


@pytest.mark.parametrize("default", ["main", ""])
def test_new_branch_has_changed_what_it_has_beside_the_default_one(
    origin: GitRepository, tmp_path: Path, default: str
) -> None:
    """Whether we know its name or have to ask. All of its commits count, not the last one alone."""
    tip = branched(origin)
    for before in ("", "0" * 40, "0" * 64):
        assert changes(tmp_path, push_of(origin, tip, branch="oil", before=before, default=default)) == ("b", "c")


def test_new_branch_where_the_default_one_stands_has_changed_nothing(origin: GitRepository, tmp_path: Path) -> None:
    origin.commit(a="1")
    tip = origin.commit(b="1")
    origin.git("branch", "oil")
    assert changes(tmp_path, push_of(origin, tip, branch="oil")) == ()


@pytest.mark.parametrize("default", ["main", ""])
def test_first_push_of_the_default_branch_has_nothing_to_compare_with(
    origin: GitRepository, tmp_path: Path, default: str
) -> None:
    """Then every `path` holds: all of it is new."""
    origin.commit(a="1")
    assert changes(tmp_path, push_of(origin, origin.commit(b="1"), default=default)) is None


@pytest.mark.parametrize("default", ["gone", ""])
def test_new_branch_beside_no_default_one_has_nothing_to_compare_with(
    origin: GitRepository, tmp_path: Path, default: str
) -> None:
    tip = branched(origin)
    origin.git("symbolic-ref", "HEAD", "refs/heads/gone")
    assert changes(tmp_path, push_of(origin, tip, branch="oil", default=default)) is None


def test_new_branch_of_another_history_has_nothing_to_compare_with(origin: GitRepository, tmp_path: Path) -> None:
    origin.commit(a="1")
    origin.git("checkout", "--quiet", "--orphan", "pages")
    tip = origin.commit(page="1")
    assert changes(tmp_path, push_of(origin, tip, branch="pages", default="main")) is None


def test_forced_push_has_changed_what_is_new_since_the_histories_parted(origin: GitRepository, tmp_path: Path) -> None:
    origin.commit(a="1")
    replaced = origin.commit(b="1")
    fetched(tmp_path / "mirrors", push_of(origin, replaced))
    origin.git("reset", "--hard", "--quiet", "HEAD^")
    origin.commit(c="1")
    assert changes(tmp_path, push_of(origin, origin.commit(d="1"), before=replaced)) == ("c", "d")


def test_forced_push_over_a_commit_that_nobody_has_leaves_it_open(origin: GitRepository, tmp_path: Path) -> None:
    origin.commit(a="1")
    assert changes(tmp_path, push_of(origin, origin.commit(b="1"), before="c" * 40)) is None


@pytest.mark.parametrize("kind", [kind for kind in EventKind if kind.is_pull_request])
def test_pull_request_has_changed_what_it_brings_to_its_target(
    origin: GitRepository, tmp_path: Path, kind: EventKind
) -> None:
    """All of its commits, whatever has happened on the target since."""
    assert changes(tmp_path, pull_request_of(origin, branched(origin), kind)) == ("b", "c")


def test_pull_request_that_is_merged_has_changed_what_it_brought(origin: GitRepository, tmp_path: Path) -> None:
    tip = branched(origin)
    origin.git("merge", "--quiet", "--no-ff", "-m", "merge oil", "oil")
    origin.commit(e="1")
    closed = pull_request_of(origin, tip, EventKind.PULL_REQUEST_CLOSED)
    assert changes(tmp_path, closed) == ("b", "c")
    merge = replace(closed, sha=origin.git("rev-parse", "HEAD^"), ref="refs/heads/main")  # as Bitbucket tells of it
    assert changes(tmp_path, merge) == ("b", "c")


def test_pull_request_whose_target_is_gone_has_changed_what_its_commit_has(
    origin: GitRepository, tmp_path: Path
) -> None:
    event = pull_request_of(origin, branched(origin))
    assert changes(tmp_path, replace(event, branch="gone")) == ("c",)


def test_tag_has_changed_what_its_commit_has(origin: GitRepository, tmp_path: Path) -> None:
    origin.commit(a="1")
    sha = origin.commit(b="1")
    origin.git("tag", "v1.0")
    event = replace(push_of(origin, sha), kind=EventKind.TAG, ref="refs/tags/v1.0", branch="")
    assert changes(tmp_path, event) == ("b",)
