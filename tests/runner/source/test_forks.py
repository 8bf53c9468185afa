"""Pull requests from forks whose forge keeps their commits there: a git server over https has both repositories."""

import re
from contextlib import nullcontext
from pathlib import Path

import pytest
from msgspec.structs import replace

from pipelines.event import Event, EventKind, PullRequest, Repository
from runner.errors import SourceError
from runner.source.access import GitCredentials
from runner.source.changes import changed_files
from runner.source.clonesettings import CloneSettings
from runner.source.forks import fork_of
from runner.source.mirrors import fetch_branch, fetched, fetched_as_asked
from tests.gitrepo import GitRepository
from tests.runner.source.certificate import Certificate
from tests.runner.source.checkouts import unpacked
from tests.runner.source.gitserver import GitServer
from tests.runner.source.test_submodules import with_submodule

ANN = GitCredentials(owner="acme/web", username="ann", password="canary-s3cret")


@pytest.fixture
def forge(server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitServer:
    certificate = Certificate(tmp_path / "certificate.pem")
    monkeypatch.setenv("GIT_SSL_CAINFO", str(certificate.path))
    server.show(certificate)
    server.password = ANN.password
    return server


def pull_request_from_eve(server: GitServer, sha: str, *, clone_url: str = "", fork: str = "eve/web") -> Event:
    repository = Repository(owner="acme", name="web", clone_url=clone_url or f"{server.url}/acme/web.git")
    return Event(
        kind=EventKind.PULL_REQUEST,
        repository=repository,
        ref="refs/pull-requests/7/from",
        branch="main",
        sha=sha,
        pull_request=PullRequest(
            number=7, source_branch="oil", target_branch="main", from_fork=True, source_repository=fork
        ),
    )


def forked(origin: GitRepository, forge: GitServer) -> str:
    """Publishes the repository and a fork of it, which is one commit ahead on `oil`; gives that commit."""
    origin.commit(a="1")
    forge.publish(origin, "acme/web")
    origin.git("checkout", "--quiet", "-b", "oil")
    ahead = origin.commit(b="1")
    forge.publish(origin, "eve/web")
    return ahead


def test_commit_of_a_fork_is_fetched_from_there_in_nobody_s_name(
    origin: GitRepository, forge: GitServer, tmp_path: Path
) -> None:
    ahead = forked(origin, forge)
    workspace = unpacked(tmp_path, pull_request_from_eve(forge, ahead), access=ANN)
    assert workspace.git("rev-parse", "HEAD") == ahead
    shown_to_eve = [authorization for path, authorization in forge.seen if path.startswith("/eve/")]
    assert shown_to_eve
    assert not any(shown_to_eve)


def test_commit_of_a_fork_is_found_by_its_first_digits(origin: GitRepository, forge: GitServer, tmp_path: Path) -> None:
    ahead = forked(origin, forge)
    mirror = fetched(tmp_path / "mirrors", pull_request_from_eve(forge, ahead[:12]), access=ANN)
    assert mirror.event.sha == ahead
    assert fetched(tmp_path / "mirrors", mirror.event, access=ANN).event == mirror.event


def test_pull_request_from_a_fork_has_changed_what_it_brings_to_its_target(
    origin: GitRepository, forge: GitServer, tmp_path: Path
) -> None:
    ahead = forked(origin, forge)
    origin.git("checkout", "--quiet", "main")
    origin.commit(c="1")
    forge.publish(origin, "acme/web")
    mirror = fetched(tmp_path / "mirrors", pull_request_from_eve(forge, ahead), access=ANN)
    target = fetch_branch(mirror, "main")
    assert target == origin.git("rev-parse", "main"), "the target is the repository's own, not the fork's"
    assert changed_files(mirror) == ("b",)


def test_branch_of_the_same_name_in_the_repository_is_left_alone(
    origin: GitRepository, forge: GitServer, tmp_path: Path
) -> None:
    ahead = forked(origin, forge)
    origin.git("checkout", "--quiet", "-B", "oil", "main")
    own = origin.commit(own="1")
    forge.publish(origin, "acme/web")
    mirror = fetched(tmp_path / "mirrors", pull_request_from_eve(forge, ahead), access=ANN)
    assert mirror.event.sha == ahead
    assert fetch_branch(mirror, "oil") == own


def test_fork_that_is_not_public_is_refused_and_says_what_to_do(
    origin: GitRepository, forge: GitServer, tmp_path: Path
) -> None:
    """Even where the repository's own credentials would open it."""
    ahead = forked(origin, forge)
    event = pull_request_from_eve(forge, ahead, fork="acme/fork")
    forge.publish(origin, "acme/fork")
    with pytest.raises(SourceError, match=r"acme/fork\.git can't be read: .* it must be public; or push the branch"):
        fetched_as_asked(tmp_path / "mirrors", event, CloneSettings(attempts=5), access=ANN)


def test_commit_that_a_fork_does_not_have_is_named(origin: GitRepository, forge: GitServer, tmp_path: Path) -> None:
    forked(origin, forge)
    with pytest.raises(SourceError, match=r"eve/web\.git has no commit a{40} on refs/heads/oil"):
        fetched(tmp_path / "mirrors", pull_request_from_eve(forge, "a" * 40), access=ANN)


@pytest.mark.parametrize(
    ("clone_url", "url"),
    [
        ("https://bitbucket.org/acme/web.git", "https://bitbucket.org/eve/web.git"),
        ("https://ann:secret@bitbucket.org:8443/acme/web.git", "https://bitbucket.org:8443/eve/web.git"),
        ("git@bitbucket.org:acme/web.git", "https://bitbucket.org/eve/web.git"),
        ("ssh://git@bitbucket.org:7999/acme/web.git", "https://bitbucket.org/eve/web.git"),
    ],
)
def test_address_of_a_fork_is_on_the_host_of_our_own_record(server: GitServer, clone_url: str, url: str) -> None:
    fork = fork_of(pull_request_from_eve(server, "a" * 40, clone_url=clone_url))
    assert fork is not None
    assert (fork.url, fork.ref) == (url, "refs/heads/oil")


@pytest.mark.parametrize(
    "name",
    ["eve", "eve/web/x", "../web", "eve/..", "eve/web?x=@evil.org", "@evil.org/web", "eve/-x", "eve/w eb", "e\n/w"],
)
def test_name_that_would_lead_elsewhere_is_no_fork_s(server: GitServer, name: str) -> None:
    with pytest.raises(SourceError, match="is no fork of acme/web"):
        fork_of(pull_request_from_eve(server, "a" * 40, fork=name))


def test_only_the_pull_request_s_own_ref_is_in_the_fork(server: GitServer) -> None:
    event = pull_request_from_eve(server, "a" * 40)
    for ref in ("refs/heads/main", "refs/pull-requests/8/from", ""):
        assert fork_of(replace(event, ref=ref)) is None


# What a fork's author names


def test_large_files_of_a_fork_come_from_its_own_store(origin: GitRepository, forge: GitServer, tmp_path: Path) -> None:
    forked(origin, forge)
    origin.write("big.bin", forge.keep(b"large"))
    ahead = origin.commit(**{".gitattributes": "*.bin filter=lfs\n"})
    forge.publish(origin, "eve/web")
    workspace = unpacked(tmp_path, pull_request_from_eve(forge, ahead), access=ANN)
    assert (workspace.path / "big.bin").read_bytes() == b"large"
    assert ("/eve/web.git/info/lfs/objects/batch", "") in forge.seen


def pulled(forge: GitServer, origin: GitRepository, sha: str) -> Event:
    """A pull request from a fork whose commits the forge has in the repository as well, as most forges do."""
    forge.publish(origin, "acme/web")
    event = pull_request_from_eve(forge, sha, fork="")
    return replace(event, ref="refs/heads/oil")


@pytest.fixture
def private(forge: GitServer, tmp_path: Path) -> str:
    """A repository of the same owner, which our credentials open; gives its commit."""
    other = GitRepository(tmp_path / "other")
    sha = other.commit(plans="1")
    forge.publish(other, "acme/private")
    return sha


def shown_to_private(forge: GitServer) -> set[str]:
    return {authorization for path, authorization in forge.seen if "private" in path}


@pytest.mark.parametrize("url", ["../private.git", "{url}/acme/private.git", "{url}/acme/../acme/private.git"])
def test_submodule_that_a_fork_names_is_read_in_nobody_s_name(
    origin: GitRepository, forge: GitServer, tmp_path: Path, private: str, url: str
) -> None:
    origin.git("checkout", "--quiet", "-b", "oil")
    sha = with_submodule(origin, "lib", url.format(url=forge.url), private)
    event = pulled(forge, origin, sha)
    with pytest.raises(SourceError):
        unpacked(tmp_path, event, access=ANN)
    assert shown_to_private(forge) == {""}


@pytest.mark.parametrize("url", ["git@git.example.org:acme/lib.git", "ssh://git@git.example.org/acme/lib.git"])
def test_submodule_by_ssh_that_a_fork_names_is_refused_in_one_clear_line(
    origin: GitRepository, forge: GitServer, tmp_path: Path, url: str
) -> None:
    origin.git("checkout", "--quiet", "-b", "oil")
    sha = with_submodule(origin, "lib", url, "1" * 40)
    said = rf"^submodule 'it' at '{re.escape(url)}' is read without credentials, because a commit of a fork names it"
    with pytest.raises(SourceError, match=said) as refused:
        unpacked(tmp_path, pulled(forge, origin, sha), access=ANN)
    assert "by an https:// address in .gitmodules" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_remote_that_a_fork_names_is_read_in_nobody_s_name(
    origin: GitRepository, forge: GitServer, tmp_path: Path, private: str
) -> None:
    origin.git("checkout", "--quiet", "-b", "oil")
    event = replace(pulled(forge, origin, origin.commit(a="1")), sha=private)
    with pytest.raises(SourceError):
        unpacked(tmp_path, event, CloneSettings(remote=f"{forge.url}/acme/private.git"), access=ANN)
    assert shown_to_private(forge) == {""}


def test_remote_that_is_the_repository_itself_is_read_in_its_own_name(
    origin: GitRepository, forge: GitServer, tmp_path: Path
) -> None:
    origin.git("checkout", "--quiet", "-b", "oil")
    event = pulled(forge, origin, origin.commit(a="1"))
    workspace = unpacked(tmp_path, event, CloneSettings(remote=event.repository.clone_url), access=ANN)
    assert (workspace.path / "a").read_text() == "1"


@pytest.mark.parametrize(("store", "is_shown"), [("private", False), ("web", True)])
def test_store_that_a_fork_names_is_read_in_nobody_s_name_unless_it_is_the_repository_s(
    origin: GitRepository,
    forge: GitServer,
    tmp_path: Path,
    store: str,
    is_shown: bool,  # noqa: FBT001 -- a parameter
) -> None:
    origin.git("checkout", "--quiet", "-b", "oil")
    origin.write("big.bin", forge.keep(b"large"))
    url = f"{forge.url}/acme/{store}.git/info/lfs"
    sha = origin.commit(**{".gitattributes": "*.bin filter=lfs\n", ".lfsconfig": f"[lfs]\n\turl = {url}\n"})
    event = pulled(forge, origin, sha)
    with nullcontext() if is_shown else pytest.raises(SourceError):
        unpacked(tmp_path, event, access=ANN)
    asked = {bool(authorization) for path, authorization in forge.seen if path.startswith(f"/acme/{store}.git/info")}
    assert (True in asked) == is_shown
    assert asked
