"""What a checkout holds besides the files, as its CloneSettings ask, read by git as a step reads it."""

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from pipelines.event import Repository
from runner.source.clonesettings import CloneSettings
from runner.source.mirrors import fetched
from runner.source.tree import commit_tree
from tests.gitrepo import GitRepository
from tests.runner.source.checkouts import push_of, unpacked
from tests.trees import contents


@pytest.mark.parametrize(("depth", "commits"), [(1, ["3"]), (2, ["3", "2"]), (0, ["3", "2", "1"])])
def test_history_is_as_deep_as_asked(origin: GitRepository, tmp_path: Path, depth: int, commits: list[str]) -> None:
    for number in ("1", "2", "3"):
        sha = origin.commit(number, file=number)
    workspace = unpacked(tmp_path, push_of(origin.path, sha), CloneSettings(depth=depth))
    assert workspace.git("log", "--format=%s").split() == commits
    assert workspace.git("remote", "get-url", "origin") == str(origin.path)
    assert workspace.git("branch", "--show-current") == "main"


def test_first_commit_of_a_repository_is_no_shallow_one(origin: GitRepository, tmp_path: Path) -> None:
    workspace = unpacked(tmp_path, push_of(origin.path, origin.commit(file="1")))
    assert workspace.git("rev-parse", "--is-shallow-repository") == "false"


def test_history_goes_back_over_merges(origin: GitRepository, tmp_path: Path) -> None:
    """Depth counts from the commit along every parent, as git does."""
    origin.commit("base", file="1")
    origin.git("checkout", "--quiet", "-b", "side")
    origin.commit("side", side="1")
    origin.git("checkout", "--quiet", "main")
    origin.commit("main", main="1")
    origin.git("merge", "--quiet", "--no-ff", "--message", "merge", "side")
    event = push_of(origin.path, origin.git("rev-parse", "HEAD"))
    seen = {
        depth: set(unpacked(tmp_path / str(depth), event, CloneSettings(depth=depth)).git("log", "--format=%s").split())
        for depth in (1, 2, 0)
    }
    assert seen == {1: {"merge"}, 2: {"merge", "side", "main"}, 0: {"merge", "side", "main", "base"}}


def test_repository_with_longer_commit_names_is_one_like_any_other(tmp_path: Path) -> None:
    origin = GitRepository(tmp_path / "origin", object_format="sha256")
    origin.commit(file="1")
    sha = origin.commit(file="2")
    assert len(sha) == 64
    for depth, count in ((1, "1"), (0, "2"), (2, "2")):
        workspace = unpacked(tmp_path / str(depth), push_of(origin.path, sha), CloneSettings(depth=depth))
        assert (workspace.git("rev-parse", "HEAD"), workspace.git("rev-list", "--count", "HEAD")) == (sha, count)


def test_no_user_name_or_password_of_the_address_is_in_the_workspace(origin: GitRepository, tmp_path: Path) -> None:
    sha = origin.commit(file="1")
    event = push_of(origin.path, sha)
    mirror = fetched(tmp_path / "mirrors", event)
    address = Repository(clone_url="https://canary:canary@example.org/acme/web.git")
    tree = commit_tree(replace(mirror, event=msgspec.structs.replace(event, repository=address)))
    config = contents(tree)[".git/config"]
    assert b"https://example.org/acme/web.git" in config
    assert b"canary" not in config


def test_workspace_is_clean_and_its_repository_whole(origin: GitRepository, tmp_path: Path) -> None:
    origin.commit(**{"file": "1", ".gitattributes": "*.txt eol=crlf\n", "text.txt": "a\nb\n"})
    (origin.path / "link").symlink_to("file")
    sha = origin.commit(**{"deep/er/file": "2"})
    workspace = unpacked(tmp_path, push_of(origin.path, sha))
    shutil.rmtree(origin.path)
    shutil.rmtree(tmp_path / "mirrors")
    workspace.git("config", "core.fileMode", "false")  # the umask of this test's own tar
    assert workspace.git("status", "--short") == ""
    assert workspace.git("fsck", "--full", "--strict") == ""
    assert (workspace.path / "text.txt").read_bytes() == b"a\r\nb\r\n"
    assert workspace.git("show", "HEAD:deep/er/file") == "2"


def test_tags_come_only_if_asked_for(origin: GitRepository, tmp_path: Path) -> None:
    sha = origin.commit(file="1")
    origin.git("tag", "v1.0")
    origin.git("tag", "--annotate", "--message", "second", "v2.0")
    assert unpacked(tmp_path / "a", push_of(origin.path, sha)).git("tag") == ""
    workspace = unpacked(tmp_path / "b", push_of(origin.path, sha), CloneSettings(tags=True))
    assert workspace.git("tag").split() == ["v1.0", "v2.0"]
    assert workspace.git("describe", "--tags") == "v2.0"


def test_git_serves_a_step_that_runs_as_another_user(origin: GitRepository, tmp_path: Path) -> None:
    """By the variables that every step gets; without them git refuses."""
    workspace = unpacked(tmp_path, push_of(origin.path, origin.commit(file="1")))
    as_another = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}
    ours = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
    command = ["git", "-C", str(workspace.path), "log", "--format=%s"]
    refused = subprocess.run(command, env=as_another, capture_output=True, text=True, check=False)
    assert "dubious ownership" in refused.stderr
    assert (
        subprocess.run(command, env=as_another | ours, capture_output=True, text=True, check=True).stdout == "change\n"
    )


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_git_knows_without_a_look_that_nothing_has_changed(tmp_path: Path, object_format: str) -> None:
    """Not even `git diff-index` sees a change, which never looks into a file; and what does change is seen."""
    origin = GitRepository(tmp_path / "origin", object_format=object_format)
    origin.write("tool", "#!/bin/sh\n").chmod(0o755)
    (origin.path / "link").symlink_to("tool")
    (origin.path / "ä").write_text("1")
    sha = origin.commit(**{"deep/er/file": "22", "empty": "", ".gitattributes": "* text=auto\n"})
    workspace = unpacked(tmp_path, push_of(origin.path, sha))
    assert workspace.git("diff-index", "HEAD") == ""
    assert workspace.git("fsck", "--full", "--strict") == ""
    workspace.write("deep/er/file", "33")
    assert workspace.git("diff-index", "--name-only", "HEAD") == "deep/er/file"
    assert workspace.git("status", "--short") == "M deep/er/file".rjust(15)


@pytest.mark.parametrize("attribute", ["eol=crlf", "ident", "working-tree-encoding=UTF-16"])
def test_files_that_are_converted_are_not_taken_for_changed(
    origin: GitRepository, tmp_path: Path, attribute: str
) -> None:
    sha = origin.commit(**{".gitattributes": f"file {attribute}\n", "file": "a $Id$\n" if attribute == "ident" else ""})
    workspace = unpacked(tmp_path, push_of(origin.path, sha))
    assert workspace.git("status", "--short") == ""
