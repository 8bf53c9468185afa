"""What people name becomes a commit: of a real repository, as it is now, and of nobody else's."""

from pathlib import Path

import pytest

from pipelines.event import Event, EventKind, Repository
from runner.errors import SourceError
from runner.source.access import MACHINE
from runner.source.resolve import is_unresolved, resolved
from runner.source.tries import Tries
from tests.gitrepo import GitRepository


@pytest.fixture
def origin(tmp_path: Path) -> GitRepository:
    origin = GitRepository(tmp_path / "origin")
    origin.commit("first", README="one")
    return origin


def asked(origin: GitRepository, *, ref: str = "", sha: str = "") -> Event:
    repository = Repository(owner="o", name="n", clone_url=str(origin.path))
    branch = ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else ""
    return Event(kind=EventKind.MANUAL, repository=repository, ref=ref, asked_sha=sha, branch=branch)


def resolve(tmp_path: Path, event: Event) -> Event:
    return resolved(tmp_path / "mirrors", event, access=MACHINE, tries=Tries())


def refusal(tmp_path: Path, event: Event) -> str:
    with pytest.raises(SourceError) as refused:
        resolve(tmp_path, event)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_branch_is_the_commit_that_it_is_now(tmp_path: Path, origin: GitRepository) -> None:
    origin.git("checkout", "--quiet", "-b", "dev")
    for text in ("two", "three"):
        sha = origin.commit("more", README=text)
        found = resolve(tmp_path, asked(origin, ref="refs/heads/dev"))
        assert (found.sha, found.branch, found.ref) == (sha, "dev", "refs/heads/dev")


def test_no_ref_means_the_default_branch(tmp_path: Path, origin: GitRepository) -> None:
    found = resolve(tmp_path, asked(origin))
    assert (found.sha, found.branch, found.ref) == (origin.git("rev-parse", "HEAD"), "main", "refs/heads/main")


@pytest.mark.parametrize("kind", [[], ["--annotate", "--message", "v1"]], ids=["plain", "annotated"])
def test_tag_is_the_commit_that_it_names(tmp_path: Path, origin: GitRepository, kind: list[str]) -> None:
    sha = origin.git("rev-parse", "HEAD")
    origin.git("tag", *kind, "v1")
    origin.commit("more", README="two")
    found = resolve(tmp_path, asked(origin, ref="refs/tags/v1"))
    assert (found.sha, found.branch, found.tag) == (sha, "", "v1")


def test_unknown_branch_is_said_with_the_nearest_one(tmp_path: Path, origin: GitRepository) -> None:
    said = refusal(tmp_path, asked(origin, ref="refs/heads/mian"))
    assert said == f"{origin.path} has no branch 'mian' (did you mean `main`?)"


def test_name_is_a_whole_name(tmp_path: Path, origin: GitRepository) -> None:
    """git lists all refs that end like a pattern."""
    origin.git("update-ref", "refs/heads/deep/refs/heads/x", "HEAD")
    assert "has no branch 'x'" in refusal(tmp_path, asked(origin, ref="refs/heads/x"))


def test_unknown_tag_is_said(tmp_path: Path, origin: GitRepository) -> None:
    assert "has no tag 'v9'" in refusal(tmp_path, asked(origin, ref="refs/tags/v9"))


def test_empty_repository_is_said(tmp_path: Path) -> None:
    said = refusal(tmp_path, asked(GitRepository(tmp_path / "empty")))
    assert "has no commit on its default branch yet" in said


def test_repository_that_is_not_there_is_said(tmp_path: Path) -> None:
    event = Event(repository=Repository(clone_url=str(tmp_path / "nowhere")))
    assert "git ls-remote: " in refusal(tmp_path, event)


def test_older_commit_of_the_branch_may_be_named_by_the_beginning_of_its_hash(
    tmp_path: Path, origin: GitRepository
) -> None:
    first = origin.git("rev-parse", "HEAD")
    origin.commit("more", README="two")
    assert resolve(tmp_path, asked(origin, sha=first[:9])).sha == first
    assert resolve(tmp_path, asked(origin, sha=first, ref="refs/heads/main")).branch == "main"


def test_commit_of_somebody_else_does_not_run_in_the_name_of_a_branch(tmp_path: Path, origin: GitRepository) -> None:
    """As forges show those of forks: in the repository, and on none of its branches."""
    origin.git("checkout", "--quiet", "--detach")
    sha = origin.commit("from a fork", README="evil")
    origin.git("update-ref", "refs/pull/7/head", sha)
    origin.git("checkout", "--quiet", "main")
    origin.git("config", "uploadpack.allowAnySHA1InWant", "true")
    assert f"has no commit {sha} on main" in refusal(tmp_path, asked(origin, sha=sha))
    assert f"has no commit {sha[:9]} on main" in refusal(tmp_path, asked(origin, sha=sha[:9]))


def test_hash_of_nothing_is_said(tmp_path: Path, origin: GitRepository) -> None:
    assert "has no commit abcdef0 on main: name the branch" in refusal(tmp_path, asked(origin, sha="abcdef0"))


def test_branch_that_looks_like_a_hash_is_none(tmp_path: Path, origin: GitRepository) -> None:
    origin.git("branch", "abcdef0")
    resolve(tmp_path, asked(origin, ref="refs/heads/abcdef0"))
    assert "abcdef0" in refusal(tmp_path, asked(origin, sha="abcdef0"))


def test_what_was_looked_up_once_stays_as_it_was(tmp_path: Path, origin: GitRepository) -> None:
    """To run it again is to run the same commit; one that was never found is looked for again."""
    event = asked(origin, ref="refs/heads/main")
    assert is_unresolved(event)
    assert not is_unresolved(resolve(tmp_path, event))
    assert is_unresolved(asked(origin, sha="a" * 40)), "that somebody says so is no proof"
