"""What a checkout holds besides the files, as its CloneSettings ask, read by git as a step reads it."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest

from pipelines.event import Event, Repository
from runner.errors import SourceError
from runner.source.clonesettings import CloneSettings
from runner.source.mirrors import fetched
from runner.source.tree import commit_tree
from tests.gitrepo import GitRepository
from tests.trees import contents


@pytest.fixture
def origin(tmp_path: Path) -> GitRepository:
    return GitRepository(tmp_path / "origin")


class Forge:
    """Repositories below a directory, served as `http://…/owner/name.git` to whoever asks."""

    def __init__(self, root: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._root = root

    def publish(self, repository: GitRepository, name: str) -> str:
        """Serve the repository as it is now; gives its address."""
        bare = self._root / f"{name}.git"
        subprocess.run(["git", "clone", "--quiet", "--bare", str(repository.path), str(bare)], check=True)
        subprocess.run(["git", "update-server-info"], cwd=bare, check=True)
        return f"{self.url}/{name}.git"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        pass


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[Forge]:
    root = tmp_path / "forge"
    root.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(root))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Forge(root, server.server_port)
        server.shutdown()
        thread.join()


def push_of(clone_url: str | Path, sha: str) -> Event:
    repository = Repository(owner="acme", name="web", clone_url=str(clone_url))
    return Event(repository=repository, sha=sha, ref="refs/heads/main", branch="main")


def unpacked(tmp_path: Path, event: Event, **settings: int) -> GitRepository:
    """The checkout, as it lies in a workspace."""
    tree = commit_tree(fetched(tmp_path / "mirrors", event), CloneSettings(**settings))  # type: ignore[arg-type] # bools are ints
    copy = GitRepository.__new__(GitRepository)
    copy.path = tmp_path / "workspace"
    copy.path.mkdir()
    subprocess.run(["tar", "-x"], cwd=copy.path, input=b"".join(tree), check=True)
    return copy


@pytest.mark.parametrize(("depth", "commits"), [(1, ["3"]), (2, ["3", "2"]), (0, ["3", "2", "1"])])
def test_history_is_as_deep_as_asked(origin: GitRepository, tmp_path: Path, depth: int, commits: list[str]) -> None:
    for number in ("1", "2", "3"):
        sha = origin.commit(number, file=number)
    workspace = unpacked(tmp_path, push_of(origin.path, sha), depth=depth)
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
        depth: set(unpacked(tmp_path / str(depth), event, depth=depth).git("log", "--format=%s").split())
        for depth in (1, 2, 0)
    }
    assert seen == {1: {"merge"}, 2: {"merge", "side", "main"}, 0: {"merge", "side", "main", "base"}}


def test_repository_with_longer_commit_names_is_one_like_any_other(tmp_path: Path) -> None:
    origin = GitRepository(tmp_path / "origin", object_format="sha256")
    origin.commit(file="1")
    sha = origin.commit(file="2")
    assert len(sha) == 64
    for depth, count in ((1, "1"), (0, "2"), (2, "2")):
        workspace = unpacked(tmp_path / str(depth), push_of(origin.path, sha), depth=depth)
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
    workspace = unpacked(tmp_path / "b", push_of(origin.path, sha), tags=True)
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


def test_submodules_come_with_theirs_if_asked_for(forge: Forge, tmp_path: Path) -> None:
    deep = GitRepository(tmp_path / "deep")
    deep_sha = deep.commit(deepest="1")
    forge.publish(deep, "acme/deep")
    lib = GitRepository(tmp_path / "lib")
    lib_sha = with_submodule(lib, "vendor/deep", "../deep.git", deep_sha)
    forge.publish(lib, "acme/lib")
    app = GitRepository(tmp_path / "app")
    sha = with_submodule(app, "lib", f"{forge.url}/acme/lib.git", lib_sha)
    event = push_of(forge.publish(app, "acme/app"), sha)
    assert not list((unpacked(tmp_path / "without", event, submodules=False).path / "lib").iterdir())
    workspace = unpacked(tmp_path / "with", event, submodules=True)
    assert (workspace.path / "lib/vendor/deep/deepest").read_text() == "1"
    assert workspace.git("status", "--short") == ""
    assert workspace.git("submodule", "status", "--recursive").split()[::3] == [lib_sha, deep_sha]


def with_submodule(repository: GitRepository, path: str, url: str, sha: str, **values: str) -> str:
    """Commit a submodule as its author would, or as an attacker would; gives the commit."""
    entries = {"path": path, "url": url, **values}
    lines = ['[submodule "it"]', *(f"\t{key} = {value}" for key, value in entries.items())]
    repository.write(".gitmodules", "\n".join([*lines, ""]))
    repository.git("add", ".gitmodules")
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{sha},{path}")
    repository.git("commit", "--quiet", "--message", "submodule")
    return repository.git("rev-parse", "HEAD")


@pytest.mark.parametrize(
    "url",
    [
        "--upload-pack=touch canary",
        "-u./canary",
        "ext::sh -c 'touch canary'",
        "file:///etc",
        "/srv/private.git",
        "../private.git",
        "http://-oProxyCommand=touch/x",
        "ssh://-oProxyCommand=touch/x",
        "git@-oProxyCommand=touch:x",
        "-oProxyCommand=touch@host:x",
        "",
    ],
)
def test_submodule_at_an_address_that_is_none_is_refused(origin: GitRepository, tmp_path: Path, url: str) -> None:
    """Also one on this machine's disk: `../private.git` of a local repository is another project's."""
    sha = with_submodule(origin, "lib", url, "1" * 40)
    with pytest.raises(SourceError, match=r"submodule 'it' is at .*: expected an https or ssh address"):
        unpacked(tmp_path, push_of(origin.path, sha), submodules=True)


@pytest.mark.parametrize("other", ["evil/lib", "evil/acme/lib"])
def test_submodule_of_somebody_else_is_fetched_without_credentials(forge: Forge, tmp_path: Path, other: str) -> None:
    """So over https alone: else a workflow could read what only this machine may read."""
    lib = GitRepository(tmp_path / "lib")
    lib_sha = lib.commit(file="1")
    url = forge.publish(lib, other)
    app = GitRepository(tmp_path / "app")
    sha = with_submodule(app, "lib", url, lib_sha)
    event = push_of(forge.publish(app, "acme/app"), sha)
    fetched(tmp_path / "mirrors", push_of(url, lib_sha))  # its own runs have it already
    with pytest.raises(SourceError, match="transport 'http' not allowed"):
        unpacked(tmp_path, event, submodules=True)


def test_commands_in_gitmodules_never_run(forge: Forge, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    lib = GitRepository(tmp_path / "lib")
    lib_sha = lib.commit(file="1")
    forge.publish(lib, "acme/lib")
    app = GitRepository(tmp_path / "app")
    evil = f"!touch {canary}"
    with_submodule(app, "lib", "../lib.git", lib_sha, update=evil)
    app.write(".gitmodules", (app.path / ".gitmodules").read_text() + f"[core]\n\tfsmonitor = touch {canary}\n")
    app.git("commit", "--quiet", "--message", "evil", ".gitmodules")
    event = push_of(forge.publish(app, "acme/app"), app.git("rev-parse", "HEAD"))
    workspace = unpacked(tmp_path, event, submodules=True)
    assert (workspace.path / "lib/file").read_text() == "1"
    assert "fsmonitor" not in (workspace.path / ".git/config").read_text()
    assert not canary.exists()


@pytest.mark.parametrize("path", ["../outside", "/outside", ".git/modules", "lib/../../outside", ":(glob)*", ""])
def test_submodule_that_would_lie_outside_is_not_there(origin: GitRepository, tmp_path: Path, path: str) -> None:
    origin.write(".gitmodules", f'[submodule "it"]\n\tpath = {path}\n\turl = https://example.org/x\n')
    workspace = unpacked(tmp_path, push_of(origin.path, origin.commit()), submodules=True)
    assert [each.name for each in workspace.path.iterdir() if each.name != ".git"] == [".gitmodules"]
    assert not (tmp_path / "outside").exists()
