"""`headrace repo`: what it stores, prints and refuses."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from pipelines.event import Event, Repository
from runner.errors import UsageError
from runner.remote.connection import Connection
from runner.source.mirrors import fetched
from tests.gitrepo import GitRepository
from worker import registration
from worker.commands import repo
from worker.errors import Malformed
from worker.forges import FORGES
from worker.settings import Settings
from worker.store import inbox, repositories
from worker.store.database import Database
from worker.store.repositories import StoredRepository

ALL = pytest.mark.parametrize("forge", list(FORGES))


def stored(settings: Settings) -> list[StoredRepository]:
    with closing(Database(settings.database_url)) as database, database.read() as connection:
        return repositories.every(connection)


@ALL
def test_add_prints_what_to_paste_into_the_forge(
    settings: Settings, connection: Connection, forge: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert repo.add(connection, name="acme/web", forge=forge, clone_url="https://x.example.org/acme/web.git") == 0
    printed = capsys.readouterr().out
    [repository] = stored(settings)
    assert f"https://ci.example.org/hooks/{forge}/acme/web" in printed
    assert repository.secret in printed
    assert FORGES[forge].setup in printed
    assert ("#!/bin/sh" in printed) == (forge == "git")


def test_add_prints_json_for_programs(
    settings: Settings, connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    repo.add(connection, name="acme/web", forge="git", clone_url="/srv/web.git", output="json")
    printed = json.loads(capsys.readouterr().out)
    assert printed["hook_url"] == "https://ci.example.org/hooks/git/acme/web"
    assert printed["secret"] == stored(settings)[0].secret
    assert printed["post_receive"].startswith("#!/bin/sh\n")


def test_page_at_the_forge_is_known_from_a_web_address(settings: Settings, connection: Connection) -> None:
    repo.add(connection, name="acme/web", forge="gitea", clone_url="https://ada@git.example.org:3000/acme/web.git")
    repo.add(connection, name="acme/ssh", forge="gitea", clone_url="git@git.example.org:acme/ssh.git")
    assert [repository.url for repository in stored(settings)] == ["", "https://git.example.org:3000/acme/web"]


def test_list_never_shows_a_secret(
    settings: Settings, connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    repo.add(connection, name="acme/web", forge="git", clone_url="/srv/web.git")
    capsys.readouterr()
    for output in ("text", "json"):
        assert repo.list_(connection, output=output) == 0
        printed = capsys.readouterr().out
        assert "acme/web" in printed
        assert stored(settings)[0].secret not in printed


def test_removed_repository_is_gone(settings: Settings, connection: Connection) -> None:
    repo.add(connection, name="acme/web", forge="git", clone_url="/srv/web.git")
    assert repo.remove(connection, name="acme/web") == 0
    assert stored(settings) == []
    with pytest.raises(UsageError, match="no repository acme/web"):
        repo.remove(connection, name="acme/web")


def test_removed_repository_leaves_nothing_on_disk(settings: Settings, connection: Connection, tmp_path: Path) -> None:
    """Neither its runs nor its mirrors; what is another's stays."""
    event = {name: run_on_disk(settings, connection, tmp_path, name) for name in ("web", "api")}
    repo.remove(connection, name="acme/web")
    left = {path.name for path in settings.runs_directory.iterdir()}
    assert left == {event["api"]}
    assert [path.name[:3] for path in settings.mirrors_directory.iterdir() if path.is_dir()] == ["api"]


def run_on_disk(settings: Settings, connection: Connection, tmp_path: Path, name: str) -> str:
    """A repository with a mirror and one run that has logs; gives the run's id."""
    origin = GitRepository(tmp_path / "origins" / name)
    repo.add(connection, name=f"acme/{name}", forge="git", clone_url=str(origin.path))
    event = Event(repository=Repository(clone_url=str(origin.path)), sha=origin.commit(file="1"))
    fetched(settings.mirrors_directory, event)
    with closing(Database(settings.database_url)) as database, database.write() as writing:
        repository = repositories.named(writing, "acme", name)
        run_id = inbox.add_run(writing, repository, event).id
    (settings.runs_directory / run_id / "logs").mkdir(parents=True)
    return run_id


@pytest.mark.parametrize("name", ["acme/.github", "acme/-web", "acme/_", "group/.sub/...", "acme/web.js"])
def test_name_that_a_forge_takes_is_taken(connection: Connection, name: str) -> None:
    """And every command finds the repository by it."""
    repo.add(connection, name=name, forge="git", clone_url="/srv/web.git")
    repo.hook(connection, name=name)
    repo.remove(connection, name=name)


def test_same_name_twice_is_a_conflict(connection: Connection) -> None:
    repo.add(connection, name="acme/web", forge="git", clone_url="/srv/web.git")
    with pytest.raises(UsageError, match="acme/web already"):
        repo.add(connection, name="acme/web", forge="github", clone_url="/srv/web.git")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("web", "expected OWNER/NAME, such as acme/web"),
        ("", "expected OWNER/NAME, such as acme/web"),
        ("acme/", "can't be a repository"),
        ("../web", "can't be a repository"),
        ("acme/we b", "can't be a repository"),
        ("acme/.", "can't be a repository"),
        ("acme/..", "can't be a repository"),
        ("acme/-", "can't be a repository"),
        (".", "expected OWNER/NAME"),
        ("./web", "can't be a repository"),
        ("acme/../web", "can't be a repository"),
        ("acme//web", "can't be a repository"),
        ("-acme/web", "can't be a repository"),
        ("acme/web\n", "can't be a repository"),
        ("api/web", "a path of the server's own"),
    ],
)
def test_name_that_cant_be_is_refused(connection: Connection, name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        repo.add(connection, name=name, forge="git", clone_url="/srv/web.git")


@pytest.mark.parametrize(
    "clone_url",
    [
        "https://github.com/acme/web.git",
        "ssh://git@github.com/acme/web.git",
        "git@github.com:acme/web.git",
        "git://git.example.org/web.git",
        "file:///srv/web.git",
        "/srv/git/web.git",
    ],
)
def test_clone_url_that_git_fetches_from_is_taken(clone_url: str) -> None:
    assert registration.checked_clone_url(clone_url) == clone_url


@pytest.mark.parametrize(
    "clone_url",
    [
        *("ext::sh -c evil", "fd::7", "--upload-pack=evil", "-u", "", "web", "ftp://x/y", "javascript:alert(1)"),
        *("https://x/ y", "https://x/\ny", "ssh://-oProxyCommand=evil/x", "-x@host:path", "git@host::path"),
    ],
)
def test_clone_url_that_could_run_something_is_refused(clone_url: str) -> None:
    with pytest.raises(Malformed, match="can't be fetched from"):
        registration.checked_clone_url(clone_url)


def test_clone_url_with_a_password_is_refused_without_showing_it() -> None:
    with pytest.raises(Malformed, match="holds a password") as refused:
        registration.checked_clone_url("https://ada:swordfish@git.example.org/acme/web.git")
    assert "swordfish" not in str(refused.value)
