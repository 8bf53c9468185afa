"""In whose name git reads: a web server that wants a password, and an sshd that wants a key."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.errors import SourceError
from runner.source.access import ANONYMOUS, MACHINE, Access, GitCredentials
from runner.source.addresses import access_below, access_to, checked_address
from runner.source.clonesettings import CloneSettings
from runner.source.mirrors import fetched, fetched_as_asked
from runner.source.tree import commit_tree
from tests.gitrepo import GitRepository
from tests.runner.source.checkouts import push_of, unpacked
from tests.runner.source.gitserver import GitServer, git_server
from tests.runner.source.sshserver import SshServer, ssh_server_in
from tests.trees import contents

CANARY = "canary-s3cret"
ANN = GitCredentials(owner="acme/web", username="ann", password=CANARY)


def test_password_opens_the_repository_and_is_nowhere_afterwards(
    origin: GitRepository, server: GitServer, tmp_path: Path
) -> None:
    server.password = CANARY
    url = server.publish(origin, "acme/web") if origin.commit(file="1") else ""
    workspace = unpacked(tmp_path, push_of(url, origin.git("rev-parse", "HEAD")), access=ANN)
    assert (workspace.path / "file").read_text() == "1"
    for directory in (workspace.path, tmp_path / "mirrors"):
        for path in directory.rglob("*"):
            assert not path.is_file() or CANARY.encode() not in path.read_bytes(), path


def test_password_is_in_no_list_of_processes(origin: GitRepository, server: GitServer, tmp_path: Path) -> None:
    """Looked at while git waits for the server."""
    server.password = CANARY
    sha = origin.commit(file="1")
    event = push_of(server.publish(origin, "acme/web"), sha)
    shown = tmp_path / "shown"
    tools = tmp_path / "bin"
    tools.mkdir()
    found = shutil.which("git")
    (tools / "git").write_text(f'#!/bin/sh\ntr "\\0" " " < /proc/$$/cmdline >> {shown}\nexec {found} "$@"\n')
    (tools / "git").chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
        list(commit_tree(fetched(tmp_path / "mirrors", event, access=ANN)))
    assert " fetch " in shown.read_text()
    assert CANARY not in shown.read_text()


def test_wrong_password_is_refused_at_once(origin: GitRepository, server: GitServer, tmp_path: Path) -> None:
    """Another try would only lock the account."""
    server.password = CANARY
    origin.commit(file="1")
    event = push_of(server.publish(origin, "acme/web"), origin.git("rev-parse", "HEAD"))
    wrong = GitCredentials(owner="acme/web", username="ann", password="wrong")
    with pytest.raises(SourceError, match="Authentication failed"):
        fetched_as_asked(tmp_path / "mirrors", event, CloneSettings(attempts=5), access=wrong)
    assert len(server.seen) <= 3


def test_redirect_elsewhere_gets_no_password(origin: GitRepository, server: GitServer, tmp_path: Path) -> None:
    origin.commit(file="1")
    with git_server(tmp_path / "elsewhere") as other:
        other.password = CANARY
        other.publish(origin, "acme/web")
        server.redirect_to = other.url
        event = push_of(f"{server.url}/acme/web.git", origin.git("rev-parse", "HEAD"))
        with pytest.raises(SourceError, match="could not read Username"):
            fetched(tmp_path / "mirrors", event, access=ANN)
        assert other.seen
        assert not any(authorization for _, authorization in other.seen)


def test_mirror_of_one_name_serves_no_other(origin: GitRepository, server: GitServer, tmp_path: Path) -> None:
    server.password = CANARY
    origin.commit(file="1")
    event = push_of(server.publish(origin, "acme/web"), origin.git("rev-parse", "HEAD"))
    fetched(tmp_path / "mirrors", event, access=ANN)
    others: tuple[Access, ...] = (MACHINE, ANONYMOUS, GitCredentials(owner="acme/api", username="bob", password="b"))
    for other in others:
        with pytest.raises(SourceError):
            fetched(tmp_path / "mirrors", event, access=other)


def test_credentials_show_themselves_to_nobody() -> None:
    assert CANARY not in repr(GitCredentials(owner="o", username="u", password=CANARY, ssh_key=CANARY))


def test_token_in_an_address_is_in_no_reason(server: GitServer, tmp_path: Path) -> None:
    """It may stand there as a user name."""
    url = server.url.replace("://", f"://{CANARY}@") + "/acme/none.git"
    with pytest.raises(SourceError, match=f"'{server.url}/acme/none.git/' not found") as raised:
        fetched(tmp_path / "mirrors", push_of(url, "1" * 40))
    assert CANARY not in str(raised.value)


@pytest.mark.parametrize("text", ["a\nhost=evil", "a\rb", "a\0b"])
def test_credentials_of_several_lines_are_refused(tmp_path: Path, text: str) -> None:
    """The helper's answer has a line each."""
    access = GitCredentials(owner="acme/web", username=text, password="p")
    with pytest.raises(SourceError, match="credentials of acme/web have a line end"):
        fetched(tmp_path, push_of("http://127.0.0.1:1/acme/web.git", "1" * 40), access=access)


@pytest.fixture
def ssh_server(tmp_path: Path) -> Iterator[SshServer]:
    with ssh_server_in(tmp_path) as server:
        yield server


def test_key_opens_the_repository(origin: GitRepository, ssh_server: SshServer, tmp_path: Path) -> None:
    sha = origin.commit(file="1")
    access = GitCredentials(owner="acme/web", ssh_key=ssh_server.key, known_hosts=ssh_server.known_hosts)
    event = push_of(f"{ssh_server.url}{origin.path}", sha)
    tree = list(commit_tree(fetched(tmp_path / "mirrors", event, access=access)))
    assert contents(tree)["file"] == b"1"
    assert b"PRIVATE KEY" not in b"".join(tree)


def test_host_that_is_not_the_known_one_is_refused(
    origin: GitRepository, ssh_server: SshServer, tmp_path: Path
) -> None:
    event = push_of(f"{ssh_server.url}{origin.path}", origin.commit(file="1"))
    other = ssh_server.known_hosts.split(" ")[0] + " " + (tmp_path / "user.pub").read_text()
    for known_hosts in (other, ""):
        access = GitCredentials(owner="acme/web", ssh_key=ssh_server.key, known_hosts=known_hosts)
        with pytest.raises(SourceError, match="git fetch"):
            fetched_as_asked(tmp_path / "mirrors", event, CloneSettings(attempts=5), access=access)


def test_without_a_key_ssh_knows_none_of_the_machine_s(
    origin: GitRepository, ssh_server: SshServer, tmp_path: Path
) -> None:
    event = push_of(f"{ssh_server.url}{origin.path}", origin.commit(file="1"))
    access = GitCredentials(owner="acme/web", known_hosts=ssh_server.known_hosts)
    with pytest.raises(SourceError, match="git fetch"):
        fetched(tmp_path / "mirrors", event, access=access)


HTTPS = "https://git.example/acme/web.git"


@pytest.mark.parametrize(
    ("url", "origin", "is_ours"),
    [
        ("https://git.example/acme/lib.git", HTTPS, True),
        ("git@git.example:acme/lib.git", HTTPS, True),
        ("https://git.example/acme/lib.git", "git@git.example:acme/web.git", True),
        ("https://git.example/other/lib.git", HTTPS, False),
        ("https://git.example/acme/sub/lib.git", HTTPS, False),
        ("https://git.example:8443/acme/lib.git", HTTPS, False),
        ("https://git.example.evil/acme/lib.git", HTTPS, False),
        ("http://git.example/acme/lib.git", HTTPS, False),
        ("http://git.example/acme/lib.git", "git@git.example:acme/web.git", False),
        ("https://ann@git.example/acme/lib.git", HTTPS, True),
        ("https://git.example/acme/lib.git", "/srv/git/acme/web.git", False),
    ],
)
def test_credentials_go_to_the_same_owner_on_the_same_forge_alone(url: str, origin: str, *, is_ours: bool) -> None:
    assert access_to(url, origin=origin, access=ANN) is (ANN if is_ours else ANONYMOUS)


@pytest.mark.parametrize(
    ("url", "is_ours"),
    [
        ("https://git.example/acme/web.git/info/lfs", True),
        ("https://git.example/acme/../evil/info/lfs", False),
        ("https://git.example/acmes/web.git/info/lfs", False),
        ("https://lfs.example/acme/web.git", False),
        ("http://git.example/acme/web.git/info/lfs", False),
    ],
)
def test_credentials_go_below_the_same_owner_alone(url: str, *, is_ours: bool) -> None:
    assert access_below(url, origin=HTTPS, access=ANN) is (ANN if is_ours else ANONYMOUS)


@pytest.mark.parametrize("url", ["ssh://x@-oProxyCommand=touch/y", "../../..", "https://a b", "https://\n", "c:/x"])
def test_what_is_no_address_is_named(url: str) -> None:
    with pytest.raises(SourceError, match=r"the thing is at .*: expected an https or ssh address"):
        checked_address(url, what="the thing")


@pytest.mark.parametrize(
    ("url", "origin", "absolute"),
    [
        ("../lib.git", HTTPS, "https://git.example/acme/lib.git"),
        ("../../other/lib", HTTPS, "https://git.example/other/lib"),
        ("./sub", HTTPS, "https://git.example/acme/web.git/sub"),
        ("../lib", "git@git.example:acme/web", "git@git.example:acme/lib"),
        ("../lib", "git@git.example:web", "git@git.example:lib"),
    ],
)
def test_relative_address_is_read_as_git_reads_it(url: str, origin: str, absolute: str) -> None:
    assert checked_address(url, what="it", origin=origin) == absolute


def test_relative_address_never_leaves_its_forge() -> None:
    for steps in range(1, 12):
        url = "../" * steps + "evil.example/x"
        try:
            address = checked_address(url, what="it", origin=HTTPS)
        except SourceError:
            continue
        assert access_to(address, origin=HTTPS, access=ANN) is ANONYMOUS or address.startswith("https://git.example/")
