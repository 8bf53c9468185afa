"""Settings: what wins, and what a bad value is answered with."""

from pathlib import Path

import pytest

from worker.errors import SettingsError
from worker.settings import Settings


def test_command_line_wins_over_the_environment_over_the_defaults() -> None:
    environment = {"HEADRACE_DATA": "/srv/headrace", "HEADRACE_LISTEN": "127.0.0.1:1"}
    settings = Settings.build(environment, listen="127.0.0.1:2")
    assert settings.data == Path("/srv/headrace")
    assert settings.listen.port == 2
    assert settings.log_format == "console"


def test_url_follows_the_address_unless_it_is_given() -> None:
    assert Settings.build({}, listen="127.0.0.1:99").url == "http://127.0.0.1:99"
    assert Settings.build({}, url="https://ci.example.org/").url == "https://ci.example.org"
    assert Settings.build({}, listen="127.0.0.1:0").on_port(99).url == "http://127.0.0.1:99"


@pytest.mark.parametrize("text", ["8080", ":8080", "localhost", "localhost:port", "localhost:70000", "a:-1"])
def test_address_that_can_not_be_used_is_named(text: str) -> None:
    with pytest.raises(SettingsError, match=r"--listen \(HEADRACE_LISTEN\) is .*: expected HOST:PORT"):
        Settings.build({}, listen=text)


def test_log_format_and_url_that_can_not_be_used_are_named() -> None:
    with pytest.raises(SettingsError, match=r"HEADRACE_LOG_FORMAT.*'xml'.*console or json"):
        Settings.build({"HEADRACE_LOG_FORMAT": "xml"})
    with pytest.raises(SettingsError, match=r"HEADRACE_URL.*'ci.example.org'"):
        Settings.build({"HEADRACE_URL": "ci.example.org"})


def test_child_process_builds_the_same_settings() -> None:
    given = {"data": "/srv/x", "listen": "[::1]:81", "redis_url": "unix:///r", "host": "h", "log_format": "json"}
    settings = Settings.build({"HEADRACE_DATABASE_URL": "postgresql://ci@db/ci"}, **given)
    assert Settings.build(settings.as_environment()) == settings


@pytest.mark.parametrize(("text", "expected"), [("127.0.0.1:1", True), ("[::1]:1", True), ("0.0.0.0:1", False)])
def test_loopback_is_told_from_the_world(text: str, *, expected: bool) -> None:
    assert Settings.build({}, listen=text).listen.is_loopback is expected


def test_password_of_a_redis_url_is_not_repeated() -> None:
    with pytest.raises(SettingsError, match="HEADRACE_REDIS_URL") as raised:
        Settings.build({}, redis_url="rdis://user:hunter2@example.org")
    assert "hunter2" not in str(raised.value)


def test_database_is_a_file_in_the_data_directory_unless_it_is_set() -> None:
    assert Settings.build({}, data="/srv/x").database_url == "sqlite:////srv/x/headrace.sqlite"
    assert Settings.build({"HEADRACE_DATABASE_URL": "postgres://ci@db/ci"}).database_url == "postgresql://ci@db/ci"


@pytest.mark.parametrize("url", ["mysql://ada:hunter2@db/ci", "/srv/ci.sqlite", "sqlite://", "sqlite:///relative"])
def test_database_url_that_can_not_be_used_is_named_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError, match=r"HEADRACE_DATABASE_URL is .*expected postgresql://") as raised:
        Settings.build({"HEADRACE_DATABASE_URL": url})
    assert "hunter2" not in str(raised.value)


def test_passwords_of_settings_are_not_shown_by_accident() -> None:
    urls = {"HEADRACE_DATABASE_URL": "postgresql://ci:hunter2@db/ci", "HEADRACE_REDIS_URL": "redis://:hunter2@r"}
    assert "hunter2" not in repr(Settings.build(urls))


def test_proxy_that_is_none_is_named_without_its_password() -> None:
    with pytest.raises(SettingsError, match=r"HEADRACE_FORGE_PROXY.*expected http://HOST:PORT") as raised:
        Settings.build({"HEADRACE_FORGE_PROXY": "socks9://ada:hunter2@proxy"})
    assert "hunter2" not in str(raised.value)
    assert (
        Settings.build({"HEADRACE_FORGE_PROXY": "http://ada:pw@proxy:3128"}).forge_proxy == "http://ada:pw@proxy:3128"
    )
