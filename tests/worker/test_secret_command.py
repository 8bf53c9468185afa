"""`headrace secret`: what it stores, prints and refuses."""

import io
import json
import sys
from pathlib import Path

import pytest

from runner.cli import main
from runner.errors import UsageError
from runner.remote.connection import Connection
from worker.commands import registry, repo, secret
from worker.errors import Malformed
from worker.secrets.scope import Scope
from worker.settings import Settings

WEB = Scope.of(repository="acme/web")


@pytest.fixture(autouse=True)
def acme_web(connection: Connection) -> None:
    repo.add(connection, name="acme/web", forge="git", clone_url="/srv/web.git")


def listed(connection: Connection, capsys: pytest.CaptureFixture[str], scope: Scope | None = None) -> list[str]:
    capsys.readouterr()
    secret.list_(connection, scope=scope, output="json")
    return [f"{each['scope']}/{each['name']}" for each in json.loads(capsys.readouterr().out)]


def test_secret_is_listed_by_name_and_limits_and_never_by_value(
    connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    secret.set_(connection, name="TOKEN", scope=WEB, value="hunter2!", events=["tag"], images=["acme/deploy"])
    for output in ("text", "json"):
        secret.list_(connection, output=output)
    printed = capsys.readouterr()
    assert "token  acme/web" in printed.out
    assert "tag, image acme/deploy" in printed.out
    assert "hunter2" not in printed.out + printed.err


def test_list_for_a_repository_shows_all_that_reaches_it(
    connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    for scope in (WEB, Scope.of(owner="acme"), Scope.of(owner="other"), Scope.of()):
        secret.set_(connection, name="a", scope=scope, value="long enough")
    assert listed(connection, capsys, WEB) == ["global/a", "owner:acme/a", "repository:acme/web/a"]
    assert listed(connection, capsys, Scope.of(owner="other")) == ["owner:other/a"]
    assert len(listed(connection, capsys)) == 4


def test_short_value_is_kept_with_a_warning(connection: Connection, capsys: pytest.CaptureFixture[str]) -> None:
    secret.set_(connection, name="a", scope=WEB, value="abc")
    assert "warning: a value of less than 4 characters is not hidden in logs" in capsys.readouterr().err
    assert listed(connection, capsys) == ["repository:acme/web/a"]


def test_removed_secret_is_gone(connection: Connection, capsys: pytest.CaptureFixture[str]) -> None:
    secret.set_(connection, name="a", scope=WEB, value="long enough")
    secret.remove(connection, name="A", scope=WEB)
    assert listed(connection, capsys) == []
    with pytest.raises(UsageError):
        secret.remove(connection, name="A", scope=WEB)


@pytest.mark.parametrize(
    ("typed", "value"), [(b"a\n", "a"), (b"a\r\n", "a"), (b"a", "a"), (b"a\n\n", "a\n"), (" ä ".encode(), " ä ")]
)
def test_value_from_standard_input_loses_its_last_line_end_alone(
    monkeypatch: pytest.MonkeyPatch, typed: bytes, value: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(typed)))
    assert secret.read_value(None) == value


def test_value_from_a_file_is_as_it_is(tmp_path: Path) -> None:
    """A private key ends with a line end, and ssh wants it."""
    (tmp_path / "key").write_bytes(b"line\n")
    assert secret.read_value(tmp_path / "key") == "line\n"


def test_value_that_is_no_text_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xff\xfe")
    with pytest.raises(Malformed, match="no UTF-8 text"):
        secret.read_value(tmp_path / "key")
    with pytest.raises(Malformed, match=r"can't read .*nowhere"):
        secret.read_value(tmp_path / "nowhere")


@pytest.mark.parametrize("scope", [[], ["--repo", "acme/web", "--global"], ["--repo", "acme/web", "--owner", "acme"]])
def test_whom_a_secret_is_for_is_said_and_never_guessed(
    settings: Settings, scope: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["secret", "set", "a", *scope, "--file", "/dev/null", "--data", str(settings.data)])
    assert ended.value.code == 2
    assert "say for whom: --repo OWNER/NAME, --owner OWNER or --global" in capsys.readouterr().err


def test_value_can_not_be_given_where_others_see_it(settings: Settings) -> None:
    """Every user of a machine can read the arguments of its programs."""
    with pytest.raises(SystemExit) as ended:
        main(["secret", "set", "a", "hunter2", "--global", "--data", str(settings.data)])
    assert ended.value.code == 2


def test_key_is_changed_and_secrets_are_still_there(
    settings: Settings, connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    secret.set_(connection, name="a", scope=WEB, value="long enough")
    before = settings.secret_key_file.read_text()
    assert secret.rotate_key(settings) == 0
    assert settings.secret_key_file.read_text() != before
    assert "it took over 1 secrets" in capsys.readouterr().err


def test_login_of_a_registry_is_listed_by_its_host_and_never_told(
    connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    registry.set_(connection, host="Registry.example.org", user="ada", scope=WEB, password="hunter2!")
    registry.list_(connection)
    printed = capsys.readouterr()
    assert "registry.example.org  acme/web\n" in printed.out
    assert "hunter2" not in printed.out + printed.err
    assert listed(connection, capsys) == [], "no step can ask for it"
    registry.remove(connection, host="registry.example.org", scope=WEB)
    with pytest.raises(UsageError):
        registry.remove(connection, host="registry.example.org", scope=WEB)


def test_login_is_set_as_it_is_typed(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hunter2!")
    place = ["--global", "--data", str(settings.data)]
    for given in (["set", "registry.example.org:5000", "--user", "ada", "--file", str(tmp_path / "password")],
                  ["remove", "registry.example.org:5000"]):  # fmt: skip
        with pytest.raises(SystemExit) as ended:
            main(["registry", *given, *place])
        assert ended.value.code == 0
