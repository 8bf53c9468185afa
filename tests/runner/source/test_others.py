"""Other repositories of workflow files: found by what their authors wrote, and read in the right name or in none."""

from functools import partial
from pathlib import Path

import pytest

from pipelines.event import Included
from pipelines.reading.document import MAX_BYTES
from pipelines.reading.library import Library, Unreadable
from pipelines.status import Status
from runner.errors import SourceError
from runner.source.access import ANONYMOUS, MACHINE, Access, GitCredentials
from runner.source.others import MOST_REPOSITORIES, Origin, Others
from runner.source.tries import Tries
from runner.stop import Stop
from tests.gitrepo import GitRepository
from tests.runner.source.certificate import Certificate
from tests.runner.source.gitserver import GitServer

OURS = GitCredentials(owner="acme/web", username="ann", password="t0ken")


@pytest.fixture
def templates(tmp_path: Path) -> GitRepository:
    made = GitRepository(tmp_path / "ci")
    made.commit("first", **{"go.yaml": "one"})
    made.git("tag", "-a", "v1", "-m", "v1")
    made.commit("second", **{"go.yaml": "two"})
    return made


@pytest.fixture
def others(tmp_path: Path) -> Others:
    return Others(tmp_path / "mirrors", tries=Tries())


def web(server: GitServer, access: Access = MACHINE) -> Origin:
    """The repository that includes, on this server."""
    return Origin(address=f"{server.url}/acme/web.git", name="acme/web", access=access)


def read(library: Library, path: str = "go.yaml") -> bytes | None:
    return library.files.get(path)


def test_ref_is_a_tag_a_branch_a_commit_or_the_default_branch(
    server: GitServer, templates: GitRepository, others: Others
) -> None:
    server.publish(templates, "acme/ci")
    first, second = (templates.git("rev-parse", name) for name in ("main~1", "main"))
    reach = partial(others.reach, web(server), "acme/ci")
    assert {ref: read(reach(ref)) for ref in ("v1", "refs/tags/v1", first)} == dict.fromkeys(
        ("v1", "refs/tags/v1", first), b"one"
    )
    assert {ref: read(reach(ref)) for ref in ("main", "refs/heads/main", "", second)} == dict.fromkeys(
        ("main", "refs/heads/main", "", second), b"two"
    )
    assert reach("v1").included == Included(repository=f"{server.url}/acme/ci.git", ref="v1", sha=first)
    assert [reach(ref).name for ref in ("v1", "", first)] == [
        "acme/ci@v1",
        f"acme/ci@{second[:12]}",
        f"acme/ci@{first[:12]}",
    ]
    assert others.texts["acme/ci@v1:go.yaml"] == b"one"


def test_of_a_tag_and_a_branch_of_one_name_the_tag_counts(
    server: GitServer, templates: GitRepository, others: Others
) -> None:
    """Whoever may push a branch may not move a release."""
    templates.git("branch", "v1", "main")
    server.publish(templates, "acme/ci")
    assert read(others.reach(web(server), "acme/ci", "v1")) == b"one"


def test_each_repository_is_asked_once_a_run(server: GitServer, templates: GitRepository, others: Others) -> None:
    server.publish(templates, "acme/ci")
    first = others.reach(web(server), "acme/ci", "main")
    asked = len(server.seen)
    templates.commit("third", **{"go.yaml": "three"})
    server.publish(templates, "acme/ci")
    assert others.reach(web(server), "acme/ci", "main") is first
    assert len(server.seen) == asked


def test_commit_that_was_found_before_is_taken_again_though_the_branch_went_on(
    server: GitServer, templates: GitRepository, tmp_path: Path
) -> None:
    server.publish(templates, "acme/ci")
    found = Others(tmp_path / "a", tries=Tries()).reach(web(server), "acme/ci", "main").included
    assert found
    templates.git("reset", "--quiet", "--hard", "v1^{commit}")
    templates.commit("other", **{"go.yaml": "pushed over it"})
    server.publish(templates, "acme/ci")
    again = Others(tmp_path / "b", tries=Tries(), known=(found,))
    assert read(again.reach(web(server), "acme/ci", "main")) == b"two"
    assert again.reach(web(server), "acme/ci", "main").included == found


def test_commit_that_is_there_needs_no_network(server: GitServer, templates: GitRepository, tmp_path: Path) -> None:
    server.publish(templates, "acme/ci")
    sha = templates.git("rev-parse", "main")
    Others(tmp_path, tries=Tries()).reach(web(server), "acme/ci", sha)
    asked = len(server.seen)
    assert read(Others(tmp_path, tries=Tries()).reach(web(server), "acme/ci", sha)) == b"two"
    assert len(server.seen) == asked


def test_commit_that_is_on_no_branch_is_refused(server: GitServer, templates: GitRepository, others: Others) -> None:
    """A forge shows what was pushed to a fork, or to a pull request, as if it were the repository's own."""
    templates.git("checkout", "--quiet", "--detach")
    stray = templates.commit("evil", **{"go.yaml": "evil"})
    templates.git("update-ref", "refs/pull/1/head", stray)
    templates.git("checkout", "--quiet", "main")
    server.publish(templates, "acme/ci")
    with pytest.raises(Unreadable, match=f"commit {stray} is on no branch or tag of"):
        others.reach(web(server), "acme/ci", stray)


def test_commit_on_a_tag_alone_is_one_of_the_repository(
    server: GitServer, templates: GitRepository, others: Others
) -> None:
    templates.git("checkout", "--quiet", "--detach")
    side = templates.commit("side", **{"go.yaml": "side"})
    templates.git("tag", "side")
    templates.git("checkout", "--quiet", "main")
    server.publish(templates, "acme/ci")
    assert read(others.reach(web(server), "acme/ci", side)) == b"side"


def test_ref_that_is_not_there_is_told_with_the_nearest(
    server: GitServer, templates: GitRepository, others: Others
) -> None:
    server.publish(templates, "acme/ci")
    with pytest.raises(Unreadable, match=r'no branch or tag "mian" .did you mean `main`'):
        others.reach(web(server), "acme/ci", "mian")


def test_repository_that_is_not_there_is_asked_for_once(server: GitServer, others: Others) -> None:
    for _ in range(2):
        with pytest.raises(Unreadable, match='can\'t include files of "acme/none": git ls-remote'):
            others.reach(web(server), "acme/none", "main")
    assert len([path for path in server.paths if "none" in path]) == 1


def test_no_more_repositories_than_a_few_are_asked_for(server: GitServer, others: Others) -> None:
    for number in range(MOST_REPOSITORIES):
        with pytest.raises(Unreadable, match="git ls-remote"):
            others.reach(web(server), f"acme/r{number}", "")
    asked = len(server.seen)
    with pytest.raises(Unreadable, match="more than 20 other repositories are included"):
        others.reach(web(server), "acme/one-more", "")
    assert len(server.seen) == asked


def test_server_that_never_answers_is_given_up_in_time(
    server: GitServer, others: Others, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers.clear()
    monkeypatch.setattr(others, "_seconds", 0.2)
    with pytest.raises(Unreadable, match="was stopped: the other repositories took more than 5 min in all"):
        others.reach(web(server), "acme/ci", "")


def test_stop_of_the_run_is_no_problem_of_its_files(server: GitServer, tmp_path: Path) -> None:
    stop = Stop()
    stop.request(Status.CANCELLED, "cancelled by ann")
    with pytest.raises(SourceError, match="cancelled by ann"):
        Others(tmp_path, tries=Tries(stop=stop)).reach(web(server), "acme/ci", "")


@pytest.mark.parametrize("path", ["", "no.yaml", "../go.yaml", "dir", "/go.yaml", "-x", "go.yaml\n", ":go.yaml"])
def test_what_is_no_file_of_the_commit_is_not_there(
    server: GitServer, templates: GitRepository, others: Others, path: str
) -> None:
    templates.commit("dir", **{"dir/x": "1"})
    server.publish(templates, "acme/ci")
    assert read(others.reach(web(server), "acme/ci", ""), path) is None


def test_file_that_is_too_large_is_told_as_that(server: GitServer, templates: GitRepository, others: Others) -> None:
    templates.commit("huge", **{"huge.yaml": "x" * (MAX_BYTES + 1)})
    server.publish(templates, "acme/ci")
    with pytest.raises(Unreadable, match=r"huge.yaml has 1048577 bytes"):
        read(others.reach(web(server), "acme/ci", ""), "huge.yaml")


def test_private_repository_of_the_same_owner_is_read_with_our_credentials(
    server: GitServer, templates: GitRepository, others: Others
) -> None:
    server.password = OURS.password
    server.publish(templates, "acme/ci")
    assert read(others.reach(web(server, OURS), "acme/ci", "")) == b"two"


@pytest.mark.parametrize("repo", ["evil/ci", "evil/acme/ci", "{url}/evil/ci.git", "http://other.invalid/acme/ci.git"])
def test_repository_of_somebody_else_is_not_read_with_our_credentials(
    server: GitServer, templates: GitRepository, others: Others, repo: str
) -> None:
    server.publish(templates, "evil/ci")
    with pytest.raises(Unreadable, match="would be read without credentials, which is done over https alone"):
        others.reach(web(server, OURS), repo.format(url=server.url), "")
    assert server.seen == []


def test_pull_request_from_a_fork_reads_other_repositories_in_nobodys_name(
    server: GitServer, templates: GitRepository, tmp_path: Path
) -> None:
    """Though our credentials have fetched the very same before."""
    server.password = OURS.password
    server.publish(templates, "acme/ci")
    root = tmp_path / "mirrors"
    ours = Others(root, tries=Tries()).reach(web(server, OURS), "acme/ci", "main").included
    assert ours
    asked = len(server.seen)
    for known in ((), (ours,)):
        with pytest.raises(Unreadable, match="would be read without credentials"):
            Others(root, tries=Tries(), known=known).reach(web(server, ANONYMOUS), "acme/ci", "main")
    assert len(server.seen) == asked


def test_right_to_use_credentials_is_not_won_back(server: GitServer, others: Others) -> None:
    """What somebody else's repository includes of ours is none of its business."""
    theirs = Origin(address="https://other.invalid/x/y.git", access=ANONYMOUS)
    with pytest.raises(Unreadable, match="would be read without credentials"):
        others.reach(theirs, f"{server.url}/acme/ci.git", "")
    assert server.seen == []


@pytest.mark.parametrize(
    "repo",
    [
        "--upload-pack=touch canary",
        "ext::sh -c 'touch canary'",
        "file:///etc",
        "/srv/private.git",
        "../ci.git",
        "acme/../evil/ci",
        "acme/./ci",
        "-oProxyCommand=touch/x",
        "http://-oProxyCommand=touch/x",
        "git@-oProxyCommand=touch:x",
        "https://ann:t0ken@git.example.org/acme/ci.git",
        "https://git.example.org/acme/ci.git?x=1",
        "https://git.example.org/acme/\x1b[31mci",
        "https://git.example.org/acme/\u202eci",
        "acme/ci name",
        "ci",
        "",
        ".",
        "a" * 10_000,
    ],
)
def test_repository_that_is_no_address_is_refused(server: GitServer, others: Others, repo: str) -> None:
    with pytest.raises(Unreadable) as raised:
        others.reach(web(server), repo, "")
    assert "\x1b" not in str(raised.value)
    assert server.seen == []
    assert not Path("canary").exists()


@pytest.mark.parametrize(
    "ref",
    [
        "--upload-pack=x",
        "-x",
        "a..b",
        "a:b",
        "a b",
        "a^",
        "a~1",
        "*",
        "a\nb",
        "\\",
        "a@{1}",
        "/a",
        "\u202ea",
        "a" * 300,
    ],
)
def test_ref_that_is_none_is_refused(server: GitServer, others: Others, ref: str) -> None:
    with pytest.raises(Unreadable, match="expected a branch, a tag or the whole hash of a commit"):
        others.reach(web(server), "acme/ci", ref)
    assert server.seen == []


@pytest.mark.parametrize(
    ("address", "name", "forge"),
    [
        ("https://git.example.org/acme/web.git", "acme/web", "https://git.example.org/"),
        ("https://ann:t0ken@git.example.org:8443/acme/web", "acme/web", "https://git.example.org:8443/"),
        ("https://example.org/git/acme/web.git", "acme/web", "https://example.org/git/"),
        ("https://git.example.org/group/sub/web.git", "", "https://git.example.org/"),
        ("https://git.example.org/acme/origin.git", "acme/web", "https://git.example.org/"),
        ("git@git.example.org:acme/web.git", "acme/web", "git@git.example.org:"),
        ("ssh://git@git.example.org:2222/acme/web.git", "acme/web", "ssh://git@git.example.org:2222/"),
        ("/srv/git/acme/web.git", "acme/web", ""),
        ("", "", ""),
    ],
)
def test_owner_and_name_are_looked_for_where_the_repository_is(address: str, name: str, forge: str) -> None:
    assert Origin(address=address, name=name, access=MACHINE).forge == forge


def test_repository_on_a_disk_can_not_name_others_by_owner_and_name(others: Others) -> None:
    with pytest.raises(Unreadable, match="is at no forge: write the whole address"):
        others.reach(Origin(address="/srv/git/acme/web.git", access=MACHINE), "acme/ci", "")


def test_public_repository_of_somebody_else_is_read_over_https_with_no_credentials(
    server: GitServer, templates: GitRepository, others: Others, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = Certificate(tmp_path / "certificate.pem")
    server.show(certificate)
    monkeypatch.setenv("GIT_SSL_CAINFO", str(certificate.path))
    server.publish(templates, "tools/ci")
    url = server.url
    origin = Origin(address=f"{url}/acme/web.git", name="acme/web", access=OURS)
    assert read(others.reach(origin, "tools/ci", "v1")) == b"one"
    assert read(others.reach(origin, f"{url}/tools/ci.git", "")) == b"two"
    assert {authorization for _, authorization in server.seen} == {""}
