"""Large files, from a real store by the real git-lfs."""

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from pipelines.event import Event
from runner.errors import SourceError
from runner.source import lfs
from runner.source.access import GitCredentials
from runner.source.clonesettings import CloneSettings
from runner.source.mirrors import fetched
from runner.source.tree import commit_tree
from tests.gitrepo import GitRepository
from tests.runner.source.checkouts import push_of, unpacked
from tests.runner.source.gitserver import GitServer
from tests.trees import contents, members

ATTRIBUTES = "*.bin filter=lfs diff=lfs merge=lfs -text\n"
BIG = bytes(range(256)) * 10_000


def with_large_file(origin: GitRepository, server: GitServer, **files: str) -> str:
    """Commit a pointer to BIG as `deep/big.bin`, which is executable; gives the commit."""
    origin.write("deep/big.bin", server.keep(BIG)).chmod(0o755)
    return origin.commit(**{".gitattributes": ATTRIBUTES, **files})


def published(origin: GitRepository, server: GitServer, sha: str) -> Event:
    return push_of(server.publish(origin, "acme/web"), sha)


def pushed(origin: GitRepository, server: GitServer) -> Event:
    """A push of a commit with a large file."""
    sha = with_large_file(origin, server)
    return published(origin, server, sha)


def test_large_files_come_with_their_contents(origin: GitRepository, server: GitServer, tmp_path: Path) -> None:
    sha = with_large_file(origin, server, other="small")
    event = published(origin, server, sha)
    workspace = unpacked(tmp_path, event)
    assert (workspace.path / "deep/big.bin").read_bytes() == BIG
    assert (workspace.path / "other").read_text() == "small"
    assert workspace.git("show", "HEAD:deep/big.bin").startswith("version https://git-lfs")


def test_contents_are_fetched_once_and_kept(origin: GitRepository, server: GitServer, tmp_path: Path) -> None:
    event = pushed(origin, server)
    list(commit_tree(fetched(tmp_path / "mirrors", event)))
    asked = len(server.seen)
    tree = list(commit_tree(fetched(tmp_path / "mirrors", event)))
    assert len(server.seen) == asked
    assert contents(tree)["deep/big.bin"] == BIG
    assert members(tree)["deep/big.bin"].mode == 0o777


def test_pointers_stay_where_large_files_are_not_wanted(
    origin: GitRepository, server: GitServer, tmp_path: Path
) -> None:
    event = pushed(origin, server)
    files = contents(commit_tree(fetched(tmp_path / "mirrors", event), CloneSettings(lfs=False)))
    assert files["deep/big.bin"].startswith(b"version https://git-lfs")
    assert not [path for path in server.paths if "lfs" in path]


def test_only_files_that_attributes_name_are_large(origin: GitRepository, server: GitServer, tmp_path: Path) -> None:
    """A pointer in a text about pointers is a text; a file that was committed without git-lfs is what it is."""
    sha = with_large_file(origin, server, **{"text": server.keep(b"x"), "real.bin": "no pointer"})
    event = published(origin, server, sha)
    files = contents(commit_tree(fetched(tmp_path / "mirrors", event)))
    assert files["text"].startswith(b"version https://git-lfs")
    assert files["real.bin"] == b"no pointer"
    assert files["deep/big.bin"] == BIG


def test_contents_that_the_store_lacks_are_named(origin: GitRepository, server: GitServer, tmp_path: Path) -> None:
    sha = with_large_file(origin, server)
    shutil.rmtree(server.root / "store")
    event = published(origin, server, sha)
    with pytest.raises(SourceError, match="git lfs: failed to fetch some objects"):
        unpacked(tmp_path, event)


def test_contents_that_are_not_those_of_the_pointer_are_refused(
    origin: GitRepository, server: GitServer, tmp_path: Path
) -> None:
    sha = with_large_file(origin, server)
    [kept] = (server.root / "store").iterdir()
    kept.write_bytes(BIG[::-1])
    event = published(origin, server, sha)
    with pytest.raises(SourceError, match="git lfs: failed to fetch some objects"):
        unpacked(tmp_path, event)


def test_worker_without_git_lfs_says_what_to_do(
    origin: GitRepository, server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = pushed(origin, server)
    monkeypatch.setenv("PATH", only(tmp_path / "bin", ("git", "env")))
    with pytest.raises(SourceError, match="git-lfs is not installed on this machine: install the package `git-lfs`"):
        unpacked(tmp_path / "a", event)
    files = contents(commit_tree(fetched(tmp_path / "mirrors", event), CloneSettings(lfs=False)))
    assert files["deep/big.bin"].startswith(b"version")


def only(directory: Path, programs: Iterable[str]) -> str:
    """A PATH with just these programs."""
    directory.mkdir()
    for program in programs:
        found = shutil.which(program)
        assert found
        (directory / program).symlink_to(found)
    return str(directory)


def test_more_than_a_commit_may_bring_is_refused_before_anything_is_fetched(
    origin: GitRepository, server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lfs, "_MOST_BYTES", len(BIG) - 1)
    event = pushed(origin, server)
    with pytest.raises(SourceError, match="large files have 2,560,000 bytes: at most 2,559,999 are fetched"):
        unpacked(tmp_path, event)
    assert not [path for path in server.paths if "lfs" in path]


def test_store_may_want_the_repository_s_credentials(origin: GitRepository, server: GitServer, tmp_path: Path) -> None:
    server.password = "s3cret"
    event = pushed(origin, server)
    access = GitCredentials(owner="acme/web", username="ann", password="s3cret")
    workspace = unpacked(tmp_path, event, access=access)
    assert (workspace.path / "deep/big.bin").read_bytes() == BIG


def test_store_below_the_same_owner_is_the_one_that_lfsconfig_names(
    origin: GitRepository, server: GitServer, tmp_path: Path
) -> None:
    store = f"{server.url}/acme/assets.git/info/lfs"
    sha = with_large_file(origin, server, **{".lfsconfig": f"[lfs]\n\turl = {store}\n"})
    workspace = unpacked(tmp_path, published(origin, server, sha))
    assert (workspace.path / "deep/big.bin").read_bytes() == BIG
    assert [path for path in server.paths if "batch" in path] == ["/acme/assets.git/info/lfs/objects/batch"]


@pytest.mark.parametrize(
    "store", ["http://127.0.0.1:1/acme/web.git/info/lfs", "{url}/evil/x/info/lfs", "{url}/acme/../evil/info/lfs"]
)
def test_store_of_somebody_else_gets_no_credentials(
    origin: GitRepository, server: GitServer, tmp_path: Path, store: str
) -> None:
    server.password = "s3cret"
    url = store.format(url=server.url)
    sha = with_large_file(origin, server, **{".lfsconfig": f"[lfs]\n\turl = {url}\n"})
    event = published(origin, server, sha)
    access = GitCredentials(owner="acme/web", username="ann", password="s3cret")
    with pytest.raises(SourceError, match=r"is at .*: expected an https address"):
        unpacked(tmp_path, event, access=access)
    assert not [path for path in server.paths if "lfs" in path]


@pytest.mark.parametrize("store", ["ext::sh -c 'touch canary'", "file:///etc", "--exec=touch", "/srv/lfs"])
def test_store_at_an_address_that_is_none_is_refused(
    origin: GitRepository, server: GitServer, tmp_path: Path, store: str
) -> None:
    sha = with_large_file(origin, server, **{".lfsconfig": f'[lfs]\n\turl = "{store}"\n'})
    with pytest.raises(SourceError, match=r"the `lfs.url` of .lfsconfig is at .*: expected an https"):
        unpacked(tmp_path, published(origin, server, sha))


def test_nothing_else_of_lfsconfig_counts(origin: GitRepository, server: GitServer, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    agent = f'[lfs "customtransfer.x"]\n\tpath = touch\n\targs = {canary}\n'
    evil = f"[lfs]\n\tfetchexclude = *\n\tstandalonetransferagent = x\n{agent}"
    sha = with_large_file(origin, server, **{".lfsconfig": evil})
    workspace = unpacked(tmp_path, published(origin, server, sha))
    assert (workspace.path / "deep/big.bin").read_bytes() == BIG
    assert not canary.exists()


def test_large_files_of_a_repository_on_disk(tmp_path: Path) -> None:
    """As on a machine that is git server and worker in one: its store is in the repository."""
    developer = GitRepository(tmp_path / "developer")
    bare = tmp_path / "bare.git"
    developer.git("init", "--quiet", "--bare", str(bare))
    developer.git("lfs", "install", "--local")
    developer.write("big.bin", "x" * 100_000)
    sha = developer.commit(**{".gitattributes": ATTRIBUTES})
    developer.git("push", "--quiet", "--no-verify", str(bare), "main")
    subprocess.run(["git", "lfs", "push", "--all", bare.as_uri()], cwd=developer.path, check=True, capture_output=True)
    workspace = unpacked(tmp_path, push_of(bare, sha))
    assert (workspace.path / "big.bin").read_text() == "x" * 100_000


def test_large_files_of_submodules_come_too(origin: GitRepository, server: GitServer, tmp_path: Path) -> None:
    sha = with_large_file(origin, server)
    server.publish(origin, "acme/lib")
    app = GitRepository(tmp_path / "app")
    app.write(".gitmodules", '[submodule "lib"]\n\tpath = lib\n\turl = ../lib.git\n')
    app.git("add", ".gitmodules")
    app.git("update-index", "--add", "--cacheinfo", f"160000,{sha},lib")
    app.git("commit", "--quiet", "--message", "submodule")
    event = push_of(server.publish(app, "acme/app"), app.git("rev-parse", "HEAD"))
    assert (unpacked(tmp_path, event).path / "lib/deep/big.bin").read_bytes() == BIG
