"""The file of settings: it counts where neither environment nor command line do, and what is wrong in it is named."""

from pathlib import Path

import pytest

from runner.config import Config
from runner.errors import UsageError
from worker.errors import SettingsError
from worker.settings import Settings


def environment(path: Path, text: str, mode: int = 0o644, **others: str) -> dict[str, str]:
    file = path / "headrace.toml"
    file.write_text(text)
    file.chmod(mode)
    return {"HEADRACE_CONFIG": str(file), **others}


def test_command_line_wins_over_environment_over_file_over_default(tmp_path: Path) -> None:
    text = 'host = "file"\nurl = "http://file"\nlisten = "127.0.0.1:1"\n'
    given = environment(tmp_path, text, HEADRACE_HOST="environment", HEADRACE_URL="http://environment")
    settings = Settings.build(given, host="command")
    assert (settings.host, settings.url, settings.listen.port) == ("command", "http://environment", 1)
    assert settings.redis_image == "redis:7-alpine"


def test_file_says_numbers_and_lists_as_toml_does(tmp_path: Path) -> None:
    text = 'grace_seconds = 3\nlog_limit = "1 MiB"\nprivileged_plugins = ["a", "b"]\naccess_log = true\n'
    config = Config.read(environment(tmp_path, text))
    assert (config.grace.total_seconds(), config.log_limit_bytes) == (3, 2**20)
    settings = Settings.build(environment(tmp_path, text))
    assert (settings.privileged_plugins, settings.access_log) == (("a", "b"), "on")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lease_seconds = 0", "lease_seconds in {path} is '0': expected seconds from 1 to 3600, such as 30"),
        ("hots = 'x'", "{path} has 'hots', which is no setting; 'host' is: docs/settings.md has them all"),
        ("frobnicate = 'x'", "{path} has 'frobnicate', which is no setting: docs/settings.md has them all"),
        ("url = {a = 1}", "url in {path} is a dict: expected http://… or https://…"),
        ("url", "{path} is no TOML: "),
    ],
)
def test_what_is_wrong_in_the_file_is_named_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    given = environment(tmp_path, text)
    with pytest.raises(SettingsError) as raised:
        Settings.build(given)
    assert str(raised.value).startswith(said.format(path=given["HEADRACE_CONFIG"]))


def test_file_that_is_named_and_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"can't read the settings in .*nowhere: No such file"):
        Config.read({"HEADRACE_CONFIG": str(tmp_path / "nowhere")})


def test_password_in_a_file_that_everybody_can_read_is_refused(tmp_path: Path) -> None:
    text = 'database_url = "postgresql://ci:hunter2@db/ci"'
    assert Settings.build(environment(tmp_path, text, 0o640)).database_url == "postgresql://ci:hunter2@db/ci"
    with pytest.raises(SettingsError, match="holds 'database_url' and can be read by everybody: chmod o-rwx") as raised:
        Settings.build(environment(tmp_path, text, 0o644))
    assert "hunter2" not in str(raised.value)
