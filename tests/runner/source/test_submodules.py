"""Submodules: theirs and ours, and what `.gitmodules` can't bring about."""

from pathlib import Path

import pytest

from runner.errors import SourceError
from runner.source.access import GitCredentials
from runner.source.clonesettings import CloneSettings
from runner.source.mirrors import fetched
from tests.gitrepo import GitRepository
from tests.runner.source.checkouts import push_of, unpacked
from tests.runner.source.gitserver import GitServer


def test_submodules_come_with_theirs_if_asked_for(server: GitServer, tmp_path: Path) -> None:
    deep = GitRepository(tmp_path / "deep")
    deep_sha = deep.commit(deepest="1")
    server.publish(deep, "acme/deep")
    lib = GitRepository(tmp_path / "lib")
    lib_sha = with_submodule(lib, "vendor/deep", "../deep.git", deep_sha)
    server.publish(lib, "acme/lib")
    app = GitRepository(tmp_path / "app")
    sha = with_submodule(app, "lib", f"{server.url}/acme/lib.git", lib_sha)
    event = push_of(server.publish(app, "acme/app"), sha)
    assert not list((unpacked(tmp_path / "without", event, CloneSettings(submodules=False)).path / "lib").iterdir())
    workspace = unpacked(tmp_path / "with", event)
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
        unpacked(tmp_path, push_of(origin.path, sha))


@pytest.mark.parametrize("other", ["evil/lib", "evil/acme/lib"])
def test_submodule_of_somebody_else_is_read_without_credentials(server: GitServer, tmp_path: Path, other: str) -> None:
    """So over https alone: else a workflow could read what only this machine may read."""
    lib = GitRepository(tmp_path / "lib")
    lib_sha = lib.commit(file="1")
    url = server.publish(lib, other)
    app = GitRepository(tmp_path / "app")
    sha = with_submodule(app, "lib", url, lib_sha)
    event = push_of(server.publish(app, "acme/app"), sha)
    fetched(tmp_path / "mirrors", push_of(url, lib_sha))  # its own runs have it already
    with pytest.raises(SourceError, match="without credentials, because it is not of the repository's own owner"):
        unpacked(tmp_path, event)


def test_commands_in_gitmodules_never_run(server: GitServer, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    lib = GitRepository(tmp_path / "lib")
    lib_sha = lib.commit(file="1")
    server.publish(lib, "acme/lib")
    app = GitRepository(tmp_path / "app")
    evil = f"!touch {canary}"
    with_submodule(app, "lib", "../lib.git", lib_sha, update=evil)
    app.write(".gitmodules", (app.path / ".gitmodules").read_text() + f"[core]\n\tfsmonitor = touch {canary}\n")
    app.git("commit", "--quiet", "--message", "evil", ".gitmodules")
    event = push_of(server.publish(app, "acme/app"), app.git("rev-parse", "HEAD"))
    workspace = unpacked(tmp_path, event)
    assert (workspace.path / "lib/file").read_text() == "1"
    assert "fsmonitor" not in (workspace.path / ".git/config").read_text()
    assert not canary.exists()


@pytest.mark.parametrize("path", ["../outside", "/outside", ".git/modules", "lib/../../outside", ":(glob)*", ""])
def test_submodule_that_would_lie_outside_is_not_there(origin: GitRepository, tmp_path: Path, path: str) -> None:
    origin.write(".gitmodules", f'[submodule "it"]\n\tpath = {path}\n\turl = https://example.org/x\n')
    workspace = unpacked(tmp_path, push_of(origin.path, origin.commit()))
    assert [each.name for each in workspace.path.iterdir() if each.name != ".git"] == [".gitmodules"]
    assert not (tmp_path / "outside").exists()


def test_more_levels_than_anyone_needs_are_refused(server: GitServer, tmp_path: Path) -> None:
    """A repository can't be its own submodule, but it can be made to look so without end."""
    url, sha = "", "1" * 40
    for level in range(10):
        repository = GitRepository(tmp_path / f"level{level}")
        sha = with_submodule(repository, "sub", f"../level{level - 1}.git", sha) if url else repository.commit(file="1")
        url = server.publish(repository, f"acme/level{level}")
    with pytest.raises(SourceError, match="more than 8 levels of submodules"):
        unpacked(tmp_path, push_of(url, sha))


def test_more_submodules_than_anyone_needs_are_refused(origin: GitRepository, tmp_path: Path) -> None:
    many = range(501)
    lines = [f'[submodule "{n}"]\n\tpath = s{n}\n\turl = https://127.0.0.1:1/{n}\n' for n in many]
    origin.write(".gitmodules", "".join(lines))
    origin.git("add", ".gitmodules")
    links = [part for n in many for part in ("--cacheinfo", f"160000,{'1' * 40},s{n}")]
    origin.git("update-index", "--add", *links)
    origin.git("commit", "--quiet", "--message", "many")
    with pytest.raises(SourceError, match="more than 500 submodules"):
        unpacked(tmp_path, push_of(origin.path, origin.git("rev-parse", "HEAD")))


def test_gitmodules_of_unlikely_size_is_refused(origin: GitRepository, tmp_path: Path) -> None:
    with_submodule(origin, "lib", "https://example.org/x", "1" * 40)
    origin.write(".gitmodules", "#" * 1024 * 1024 + "\n")
    origin.git("commit", "--quiet", "--message", "large", ".gitmodules")
    with pytest.raises(SourceError, match=r"\.gitmodules has 1048577 bytes"):
        unpacked(tmp_path, push_of(origin.path, origin.git("rev-parse", "HEAD")))


def test_gitmodules_reads_no_other_file(origin: GitRepository, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text('[submodule "it"]\n\turl = https://example.org/x\n')
    with_submodule(origin, "lib", "file:///srv/private", "1" * 40)
    origin.write(".gitmodules", (origin.path / ".gitmodules").read_text() + f"[include]\n\tpath = {other}\n")
    origin.git("commit", "--quiet", "--message", "include", ".gitmodules")
    with pytest.raises(SourceError, match="submodule 'it' is at 'file:///srv/private'"):
        unpacked(tmp_path, push_of(origin.path, origin.git("rev-parse", "HEAD")))


def test_submodule_is_read_with_the_repository_s_credentials(server: GitServer, tmp_path: Path) -> None:
    """And its mirror is for these alone."""
    server.password = "s3cret"
    lib = GitRepository(tmp_path / "lib")
    lib_sha = lib.commit(file="1")
    lib_url = server.publish(lib, "acme/lib")
    app = GitRepository(tmp_path / "app")
    sha = with_submodule(app, "lib", "../lib.git", lib_sha)
    event = push_of(server.publish(app, "acme/app"), sha)
    workspace = unpacked(tmp_path, event, access=GitCredentials(owner="acme/app", username="ann", password="s3cret"))
    assert (workspace.path / "lib/file").read_text() == "1"
    with pytest.raises(SourceError):
        fetched(tmp_path / "mirrors", push_of(lib_url, lib_sha))
