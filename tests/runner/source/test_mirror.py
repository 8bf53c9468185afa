"""Mirrors of real repositories."""

from pathlib import Path

import msgspec
import pytest

from pipelines.event import Event, Repository
from runner.errors import SourceError
from runner.source.mirrors import fetched
from runner.source.tree import commit_tree
from tests.gitrepo import GitRepository
from tests.trees import contents, members


def push_of(origin: GitRepository, sha: str, *, before: str = "", ref: str = "refs/heads/main") -> Event:
    repository = Repository(owner="acme", name="web", clone_url=str(origin.path))
    return Event(repository=repository, sha=sha, before=before, ref=ref, branch="main")


def test_tree_is_the_commit_with_a_git_directory_of_its_own(origin: GitRepository, tmp_path: Path) -> None:
    first = origin.commit(readme="one")
    origin.commit(readme="two")
    tree = list(commit_tree(fetched(tmp_path / "mirrors", push_of(origin, first))))
    files = contents(tree)
    assert files["readme"] == b"one"
    assert ".git/HEAD" in members(tree)


def test_commit_is_fetched_only_once(origin: GitRepository, tmp_path: Path) -> None:
    """What is there already needs no network: the repository may be gone by then."""
    sha = origin.commit(readme="one")
    fetched(tmp_path / "mirrors", push_of(origin, sha))
    origin.path.rename(tmp_path / "elsewhere")
    assert contents(commit_tree(fetched(tmp_path / "mirrors", push_of(origin, sha))))["readme"] == b"one"


def test_commit_that_was_pushed_away_is_still_found(origin: GitRepository, tmp_path: Path) -> None:
    """A forced push between the hook and the clone."""
    origin.git("config", "uploadpack.allowAnySHA1InWant", "true")
    first = origin.commit(readme="one")
    origin.git("commit", "--quiet", "--amend", "--message", "rewritten")
    assert contents(commit_tree(fetched(tmp_path / "mirrors", push_of(origin, first))))["readme"] == b"one"


@pytest.mark.parametrize("ref", ["refs/heads/main", "refs/heads/no-such-branch"])
def test_commit_that_is_not_there_is_named(origin: GitRepository, tmp_path: Path, ref: str) -> None:
    origin.commit(readme="one")
    with pytest.raises(SourceError, match=f"has no commit {'a' * 40} on {ref}"):
        fetched(tmp_path / "mirrors", push_of(origin, "a" * 40, ref=ref))


def test_repository_that_is_not_there_is_named(tmp_path: Path) -> None:
    missing = Repository(owner="a", name="b", clone_url=str(tmp_path / "missing"))
    with pytest.raises(SourceError, match="does not appear to be a git repository"):
        fetched(tmp_path / "mirrors", Event(repository=missing, sha="a" * 40, ref="refs/heads/main"))


@pytest.mark.parametrize("sha", ["HEAD", "--upload-pack=touch x", "a" * 11, "a" * 41, "A" * 40, "0" * 40, "0" * 64])
def test_what_is_no_commit_id_is_refused(origin: GitRepository, tmp_path: Path, sha: str) -> None:
    with pytest.raises(SourceError, match="is no commit"):
        fetched(tmp_path / "mirrors", push_of(origin, sha))


@pytest.mark.parametrize("ref", ["main", "--upload-pack=touch canary", "refs/heads/a b", "refs/heads/a:b", "refs/*"])
def test_what_is_no_ref_is_refused(origin: GitRepository, tmp_path: Path, ref: str) -> None:
    with pytest.raises(SourceError, match="is no ref"):
        fetched(tmp_path / "mirrors", push_of(origin, "a" * 40, ref=ref))


@pytest.mark.parametrize("name", ["\u3000wide", "a\u0085b", "\N{HAMMER}", "a'$(x)`y`;&|<>!"])
def test_branch_may_have_any_name_that_git_takes(origin: GitRepository, tmp_path: Path, name: str) -> None:
    origin.git("checkout", "--quiet", "-b", name)
    sha = origin.commit(readme="one")
    mirror = fetched(tmp_path / "mirrors", push_of(origin, sha, ref=f"refs/heads/{name}"))
    assert mirror.contents("readme") == b"one"


def test_clone_url_never_runs_a_program(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    for url in (f"ext::sh -c 'touch {canary}'", f"--upload-pack=touch {canary}", f"fd::{canary}"):
        evil = Repository(owner="a", name="b", clone_url=url)
        with pytest.raises(SourceError):
            fetched(tmp_path / "mirrors", Event(repository=evil, sha="a" * 40, ref="refs/heads/main"))
    assert not canary.exists()


def test_hooks_and_monitors_of_a_repository_never_run(origin: GitRepository, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    hook = origin.write(".git/hooks/post-checkout", f"#!/bin/sh\ntouch {canary}\n")
    hook.chmod(0o755)
    origin.git("config", "core.fsmonitor", f"touch {canary}")
    sha = origin.commit(readme="one")
    canary.unlink(missing_ok=True)  # our own commit has run it
    list(commit_tree(fetched(tmp_path / "mirrors", push_of(origin, sha))))
    assert not canary.exists()


def test_files_are_found_and_read_at_the_commit(origin: GitRepository, tmp_path: Path) -> None:
    origin.write(".headrace/build.yaml", "steps: []")
    origin.write("deep/down.yaml", "")
    mirror = fetched(tmp_path / "mirrors", push_of(origin, origin.commit()))
    assert mirror.paths(".headrace", ".woodpecker") == (".headrace", "deep", ".headrace/build.yaml")
    assert mirror.contents(".headrace/build.yaml") == b"steps: []"


def test_file_too_large_for_a_workflow_is_not_read(origin: GitRepository, tmp_path: Path) -> None:
    origin.write(".headrace.yaml", "#" * (1 << 20) + "\n")
    mirror = fetched(tmp_path / "mirrors", push_of(origin, origin.commit()))
    with pytest.raises(SourceError, match="has 1048577 bytes"):
        mirror.contents(".headrace.yaml")


def test_commit_says_who_and_why(origin: GitRepository, tmp_path: Path) -> None:
    sha = origin.commit("first line\n\nmore \u202e text")
    facts = fetched(tmp_path / "mirrors", push_of(origin, sha)).commit_facts()
    assert (facts.message, facts.author, facts.author_email) == (
        "first line\n\nmore \u202e text",
        "Ada",
        "ada@example.org",
    )


def test_commit_named_by_its_first_digits_is_found_on_its_ref(origin: GitRepository, tmp_path: Path) -> None:
    first = origin.commit(a="1")
    origin.commit(b="1")
    event = push_of(origin, first[:12])
    assert fetched(tmp_path / "mirrors", event).event.sha == first
    with pytest.raises(SourceError, match=r"no commit, or several, whose name begins with 0{12} on refs/heads/main"):
        fetched(tmp_path / "mirrors", msgspec.structs.replace(event, sha="0" * 12))


def test_commit_that_is_not_named_is_what_the_ref_leads_to(origin: GitRepository, tmp_path: Path) -> None:
    tagged = origin.commit(a="1")
    origin.git("tag", "-a", "-m", "one", "v1.0")
    origin.commit(b="1")
    event = msgspec.structs.replace(push_of(origin, ""), ref="refs/tags/v1.0")
    assert fetched(tmp_path / "mirrors", event).event.sha == tagged
    with pytest.raises(SourceError, match=r"has no refs/tags/v2\.0"):
        fetched(tmp_path / "mirrors", msgspec.structs.replace(event, ref="refs/tags/v2.0"))
