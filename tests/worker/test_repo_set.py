"""`headrace repo set` and its twin over the API: what they store, print and refuse."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from runner.errors import UsageError
from runner.remote.connection import Connection
from tests.worker.conftest import Service, serving
from worker.commands import repo, repo_set
from worker.errors import Malformed
from worker.secrets.credential import CredentialKind
from worker.secrets.keyfile import open_keyring
from worker.settings import Settings
from worker.store import credentials, repositories
from worker.store.database import Database

CANARY = "canary-t0ken"
HOSTS = "git.example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
SSH_URL = "git@git.example.org:acme/web.git"


def add(connection: Connection, clone_url: str = "https://git.example.org/acme/web.git") -> None:
    repo.add(connection, name="acme/web", forge="gitea", clone_url=clone_url)


def value_of(settings: Settings, kind: CredentialKind) -> str:
    with closing(Database(settings.database_url)) as database, database.read() as connection:
        repository = repositories.named(connection, "acme", "web")
        return credentials.value_of(connection, open_keyring(settings), repository.id, kind)


def described(connection: Connection, capsys: pytest.CaptureFixture[str], **options: object) -> dict[str, object]:
    capsys.readouterr()
    assert repo_set.set_(connection, name="acme/web", output="json", **options) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return found


def file(settings: Settings, text: str) -> Path:
    path = settings.data / "given"
    path.write_text(text)
    return path


def test_what_is_not_said_stays_as_it_is(connection: Connection, capsys: pytest.CaptureFixture[str]) -> None:
    add(connection)
    first = described(connection, capsys)
    assert (first["statuses"], first["forge_url"], first["badge"]) == ("both", "https://git.example.org", "auto")
    described(connection, capsys, statuses="run", forge_url="https://git.example.org/gitea/", badge="public")
    assert described(connection, capsys) == {
        "name": "acme/web",
        "statuses": "run",
        "forge_url": "https://git.example.org/gitea",
        "badge": "public",
        "credentials": {},
        "status_trouble": "",
    }
    assert described(connection, capsys, forge_url="")["forge_url"] == "https://git.example.org"


def test_tokens_are_kept_sealed_and_never_shown(
    settings: Settings, connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    add(connection)
    path = file(settings, f"{CANARY}\n")
    repo_set.set_(connection, name="acme/web", forge_token_file=path, clone_token_file=path, clone_user="ada")
    path.unlink()
    printed = capsys.readouterr()
    assert "forge token  is kept" in printed.out
    assert "clone token  of ada" in printed.out
    assert CANARY not in printed.out + printed.err
    assert value_of(settings, CredentialKind.FORGE_TOKEN) == CANARY
    assert value_of(settings, CredentialKind.CLONE_TOKEN) == CANARY
    assert not [each for each in settings.data.rglob("*") if each.is_file() and CANARY.encode() in each.read_bytes()]


def test_token_that_would_go_in_the_clear_is_warned_of(
    settings: Settings, connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    add(connection, "http://git.example.org/acme/web.git")
    path = file(settings, CANARY)
    repo_set.set_(connection, name="acme/web", forge_token_file=path, clone_token_file=path)
    said = "warning: whoever is on the way to git.example.org can read the token: https would hide it\n"
    assert capsys.readouterr().err == said
    repo_set.set_(connection, name="acme/web", forget=("forge-token", "clone-token"))
    assert capsys.readouterr().err == ""


def test_new_key_is_made_and_its_public_half_shown(
    settings: Settings, connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    add(connection, SSH_URL)
    hosts = file(settings, HOSTS)
    repo_set.set_(connection, name="acme/web", new_clone_key=True, known_hosts_file=hosts)
    printed = capsys.readouterr().out
    assert "clone key    ssh-ed25519 AAAA" in printed
    assert "PRIVATE" not in printed
    assert value_of(settings, CredentialKind.CLONE_KEY).startswith("-----BEGIN OPENSSH PRIVATE KEY-----")


def test_credential_can_be_replaced_and_forgotten(
    settings: Settings, connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    add(connection)
    for text in ("first", "second"):
        described(connection, capsys, forge_token_file=file(settings, text))
    assert value_of(settings, CredentialKind.FORGE_TOKEN) == "second"
    assert described(connection, capsys, forget=("forge-token",))["credentials"] == {}
    assert value_of(settings, CredentialKind.FORGE_TOKEN) == ""


def test_key_without_its_host_is_refused(settings: Settings, connection: Connection) -> None:
    add(connection, SSH_URL)
    with pytest.raises(UsageError, match=r"ssh-keyscan git\.example\.org"):
        repo_set.set_(connection, name="acme/web", new_clone_key=True)
    with pytest.raises(Malformed, match="goes with --clone-key-file"):
        repo_set.set_(connection, name="acme/web", known_hosts_file=file(settings, HOSTS))
    with pytest.raises(Malformed, match="standard input holds one thing"):
        repo_set.set_(connection, name="acme/web", forge_token_file=Path("-"), clone_key_file=Path("-"))


@pytest.mark.parametrize(
    "url", ["git.example.org", "ftp://x", "https://", "https://ada:pw@x", "https://x/?q", "https://x y", "https://x:p"]
)
def test_forge_url_that_is_none_is_refused(connection: Connection, url: str) -> None:
    add(connection)
    with pytest.raises(Malformed, match=r"^the forge's URL can't be used: expected https://HOST") as raised:
        repo_set.set_(connection, name="acme/web", forge_url=url)
    assert "pw" not in str(raised.value)


def test_unknown_repository_is_refused(connection: Connection) -> None:
    with pytest.raises(UsageError, match="there is no repository acme/none"):
        repo_set.set_(connection, name="acme/none")


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://github.com/acme/web.git", "https://github.com"),
        ("https://ada@example.org:3000/gitea/acme/web.git", "https://example.org:3000/gitea"),
        ("https://example.org/other.git", "https://example.org"),
        ("git@github.com:acme/web.git", "https://github.com"),
        ("ssh://git@example.org:2222/acme/web.git", "https://example.org"),
        ("/srv/web.git", ""),
        ("file:///srv/web.git", ""),
    ],
)
def test_forge_is_found_from_a_clone_url(url: str, address: str) -> None:
    assert repositories.address_of_forge(url, "acme/web") == address


# Over the API


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with serving(tmp_path) as running:
        running.add_repository(url="https://git.example.org/acme/web", forge="gitea")
        yield running


PATH = "/api/repositories/acme/web"


def test_api_sets_what_the_command_sets(service: Service) -> None:
    wanted = {"statuses": "jobs", "forge_url": "https://git.example.org/gitea", "badge": "public"}
    answer = service.client.patch(PATH, json=wanted).json()
    assert {key: answer[key] for key in wanted} == wanted
    assert service.client.patch(PATH, json={"forge_url": "nonsense"}).status_code == 400
    assert service.client.get("/api/repositories").json()["repositories"] == [answer]


def test_credentials_go_in_and_never_come_out(service: Service) -> None:
    answer = service.client.put(f"{PATH}/credentials/forge_token", json={"value": CANARY})
    assert (answer.status_code, answer.json()["kind"]) == (200, "forge_token")
    listed = service.client.get(f"{PATH}/credentials")
    assert [each["kind"] for each in listed.json()["credentials"]] == ["forge_token"]
    assert CANARY not in answer.text + listed.text + service.client.get("/api/repositories").text
    assert service.client.delete(f"{PATH}/credentials/forge_token").status_code == 204
    assert service.client.get(f"{PATH}/credentials").json() == {"credentials": []}


def test_api_makes_a_key_and_gives_its_public_half(service: Service) -> None:
    made = service.client.put(f"{PATH}/credentials/clone_key", json={"known_hosts": HOSTS})
    assert made.json()["name"].startswith("ssh-ed25519 ")
    assert "PRIVATE" not in made.text


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("forge_token", {"value": f"{CANARY} {CANARY}"}, 400),
        ("forge_token", {}, 400),
        ("clone_token", {"value": CANARY}, 400),
        ("clone_key", {"value": CANARY}, 400),
        ("other", {"value": CANARY}, 400),
    ],
)
def test_what_can_not_be_used_is_refused_without_being_shown(
    service: Service, kind: str, body: dict[str, str], status: int
) -> None:
    answer = service.client.put(f"{PATH}/credentials/{kind}", json=body)
    assert answer.status_code == status, answer.text
    assert CANARY not in answer.text
