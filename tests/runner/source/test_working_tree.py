"""The working tree: what goes into the containers, and that nothing is ever written to it."""

import subprocess
from pathlib import Path

import pytest

from runner.errors import SourceError
from runner.source.clonesettings import CloneSettings
from runner.source.working_tree import WorkingTree
from tests.gitrepo import GitRepository
from tests.trees import contents, members


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    return GitRepository(tmp_path / "project")


def snapshot(directory: Path) -> dict[str, tuple[int, int]]:
    """Size and time of change of every file, `.git` included."""
    return {
        str(path.relative_to(directory)): (path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in sorted(directory.rglob("*"))
    }


def test_tree_is_what_git_status_shows_to_be_part_of_the_project(repository: GitRepository) -> None:
    repository.commit(**{"kept": "1", "modified": "1", "deleted": "1", ".gitignore": "ignored\n"})
    repository.write("modified", "2")
    (repository.path / "deleted").unlink()
    repository.write("untracked", "1")
    repository.write("deep/untracked", "1")
    repository.write("ignored", "1")
    files = contents(WorkingTree.around(repository.path).tree())
    ours = {name: text for name, text in files.items() if not name.startswith(".git/")}
    assert ours == {
        "kept": b"1",
        "modified": b"2",
        "untracked": b"1",
        "deep/untracked": b"1",
        ".gitignore": b"ignored\n",
    }


def test_steps_see_a_git_repository_that_knows_what_is_modified(repository: GitRepository, tmp_path: Path) -> None:
    sha = repository.commit(kept="1", modified="1")
    repository.write("modified", "2")
    copy = tmp_path / "copy"
    copy.mkdir()
    subprocess.run(["tar", "-x"], cwd=copy, input=b"".join(WorkingTree.around(repository.path).tree()), check=True)
    in_copy = GitRepository.at(copy)
    in_copy.git("config", "core.fileMode", "false")  # the umask of this test's own tar
    assert in_copy.git("rev-parse", "HEAD") == sha
    assert in_copy.git("status", "--short").strip() == "M modified"
    assert in_copy.git("branch", "--show-current") == "main"


def test_nothing_is_written_to_the_working_tree(repository: GitRepository) -> None:
    repository.commit(readme="1")
    repository.write("untracked", "1")
    before = snapshot(repository.path)
    tree = WorkingTree.around(repository.path)
    list(tree.tree())
    tree.facts()
    assert snapshot(repository.path) == before


def test_linked_worktree_is_a_repository_like_any_other(repository: GitRepository, tmp_path: Path) -> None:
    """Its `.git` is a file that points out of it."""
    repository.commit(readme="1")
    repository.git("worktree", "add", "--quiet", "-b", "feature", str(tmp_path / "linked"))
    tree = WorkingTree.around(tmp_path / "linked")
    assert tree.facts().branch == "feature"
    assert ".git/HEAD" in members(tree.tree())


def test_subdirectory_belongs_to_its_repository(repository: GitRepository) -> None:
    repository.commit(**{"deep/file": "1"})
    assert WorkingTree.around(repository.path / "deep").root == repository.path


def test_repository_without_a_commit_has_just_its_files(repository: GitRepository) -> None:
    repository.write("readme", "1")
    tree = WorkingTree.around(repository.path)
    assert contents(tree.tree()) == {"readme": b"1"}
    assert tree.facts().sha == ""


def test_directory_without_git_is_taken_whole(tmp_path: Path) -> None:
    (tmp_path / "readme").write_text("1")
    tree = WorkingTree.around(tmp_path)
    assert contents(tree.tree()) == {"readme": b"1"}
    assert tree.facts().branch == ""


def test_working_tree_that_git_will_not_read_is_not_taken_whole(
    repository: GitRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of another user's directory: what git ignores, a file of passwords, would go into the containers."""
    repository.commit(**{".gitignore": "passwords\n"})
    repository.write("passwords", "secret")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(SourceError, match="dubious ownership") as caught:
        WorkingTree.around(repository.path)
    assert str(caught.value).endswith(f": git config --global --add safe.directory {repository.path}")


def test_facts_are_those_of_the_last_commit(repository: GitRepository) -> None:
    sha = repository.commit("the message\n\nits body", readme="1")
    repository.git("remote", "add", "origin", "https://example.org/acme/web.git")
    facts = WorkingTree.around(repository.path).facts()
    assert (facts.branch, facts.sha, facts.message) == ("main", sha, "the message\n\nits body")
    assert (facts.author, facts.author_email) == ("Ada", "ada@example.org")
    assert facts.remote_url == "https://example.org/acme/web.git"


def test_changed_files_are_those_a_push_would_bring(repository: GitRepository) -> None:
    repository.commit(old="1", unchanged="1")
    repository.commit(committed="1")
    repository.write("old", "2")
    repository.write("untracked", "1")
    assert WorkingTree.around(repository.path).facts().changed_files == ("committed", "old", "untracked")


def test_names_that_are_not_utf_8_survive(repository: GitRepository) -> None:
    name = b"caf\xe9".decode(errors="surrogateescape")
    (repository.path / name).write_text("1")
    repository.commit()
    assert name in contents(WorkingTree.around(repository.path).tree())


def unpacked(tree: WorkingTree, directory: Path, settings: CloneSettings | None = None) -> GitRepository:
    """The tree as it lies in a workspace."""
    directory.mkdir()
    stream = tree.tree(settings or CloneSettings())
    subprocess.run(["tar", "-x"], cwd=directory, input=b"".join(stream), check=True)
    return GitRepository.at(directory)


def test_settings_of_the_clone_count_here_too(repository: GitRepository, tmp_path: Path) -> None:
    for number in ("1", "2", "3"):
        repository.commit(number, file=number)
    repository.git("tag", "v1")
    tree = WorkingTree.around(repository.path)
    one = unpacked(tree, tmp_path / "one")
    two = unpacked(tree, tmp_path / "two", CloneSettings(depth=2, tags=True, remote="https://example.org/x"))
    whole = unpacked(tree, tmp_path / "whole", CloneSettings(depth=0))
    assert [each.git("rev-list", "--count", "HEAD") for each in (one, two, whole)] == ["1", "2", "3"]
    assert [each.git("tag") for each in (one, two, whole)] == ["", "v1", ""]
    assert two.git("remote", "get-url", "origin") == "https://example.org/x"


def with_submodule(repository: GitRepository, library: GitRepository) -> None:
    library.commit(inner="1")
    repository.commit(file="1")
    allowed = ("-c", "protocol.file.allow=always")
    repository.git(*allowed, "submodule", "--quiet", "add", str(library.path), "lib")
    repository.commit("submodule")


def test_submodules_come_as_they_are(repository: GitRepository, tmp_path: Path) -> None:
    with_submodule(repository, GitRepository(tmp_path / "library"))
    repository.write("lib/untracked", "2")
    workspace = unpacked(WorkingTree.around(repository.path), tmp_path / "workspace")
    assert (workspace.path / "lib/inner").read_text() == "1"
    assert (workspace.path / "lib/untracked").read_text() == "2"
    assert GitRepository.at(workspace.path / "lib").git("status", "--short") == "?? untracked"
    workspace.git("-C", "lib", "clean", "--quiet", "--force")
    assert workspace.git("status", "--short") == ""
    assert workspace.git("submodule", "status").split()[1] == "lib"


@pytest.mark.parametrize("settings", [CloneSettings(submodules=False), CloneSettings()])
def test_submodule_that_is_not_wanted_or_not_there_is_an_empty_directory(
    repository: GitRepository, tmp_path: Path, settings: CloneSettings
) -> None:
    with_submodule(repository, GitRepository(tmp_path / "library"))
    if settings.submodules:
        repository.git("submodule", "--quiet", "deinit", "--force", "lib")
    workspace = unpacked(WorkingTree.around(repository.path), tmp_path / "workspace", settings)
    assert list((workspace.path / "lib").iterdir()) == []
    assert workspace.git("status", "--short") == ""


def test_variables_that_git_gives_its_hooks_lead_nowhere(
    repository: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`headrace run` in a hook: git's own variables would have us write to the user's repository."""
    sha = repository.commit(file="1")
    index = repository.path / ".git" / "index"
    before = (snapshot(repository.path), index.read_bytes())
    other = GitRepository(tmp_path / "other")
    other.commit(other="1")
    monkeypatch.setenv("GIT_DIR", str(other.path / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(index))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.path))
    tree = WorkingTree.around(repository.path)
    assert (tree.root, tree.facts().sha) == (repository.path, sha)
    assert contents(tree.tree())["file"] == b"1"
    assert (snapshot(repository.path), index.read_bytes()) == before


def test_git_knows_without_a_look_what_has_changed(repository: GitRepository, tmp_path: Path) -> None:
    repository.commit(kept="1", modified="1", deleted="1")
    repository.write("modified", "2")
    (repository.path / "deleted").unlink()
    workspace = unpacked(WorkingTree.around(repository.path), tmp_path / "workspace")
    assert workspace.git("diff-index", "--name-only", "HEAD").split() == ["deleted", "modified"]
