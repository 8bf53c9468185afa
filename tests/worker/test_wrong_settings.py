"""A value that can't be used, for every setting there is: named with its place, itself and what is expected."""

import itertools
from pathlib import Path

import pytest

from runner.config import Config
from runner.errors import UsageError
from runner.settings.setting import Area, Setting
from runner.settings.table import BY_NAME, TABLE
from worker.errors import SettingsError
from worker.settings import Settings

WRONG = {
    "data": ["~nobody-of-this-name/x"],
    "listen": ["8484", "localhost:http"],
    "url": ["ci.example.org", "ftp://ci.example.org", "https://", "https://ci.example.org/?a=b", "http://a b"],
    "trusted_proxies": ["proxy", "10.0.0.0/33", "127.0.0.1 *"],
    "database_url": ["mysql://db/ci", "sqlite:///ci.sqlite"],
    "secret_key_file": ["~nobody-of-this-name/x"],
    "redis_url": ["localhost:6379", "http://localhost"],
    "forge_proxy": ["proxy:3128", "socks5://proxy"],
    "lease_seconds": ["0", "3601", "nan", "half a minute"],
    "log_format": ["xml", "JSON"],
    "access_log": ["yes", "1"],
    "parallel": ["0", "-1", "many", "inf"],
    "grace_seconds": ["0", "ten", "1e300"],
    "engine_patience_seconds": ["-1", "nan", "1e300"],
    "network_range": ["10.231.0.0", "10.231.0.0/99", "network"],
    "log_limit": ["0", "256 apples"],
    "memory": ["0", "-1 GiB", "some"],
    "state": ["~nobody-of-this-name/x"],
    "server": ["ci.example.org", "https://"],
}
SAYS_ITSELF_WHAT_IS_WRONG = {"retention": "week", "labels": "gpu"}  # in words of their own, tested where they are read
ANY_TEXT_WILL_DO = {"secret_key", "privileged_plugins", "redis_image", "host", "token"}
CASES = [(BY_NAME[name], text) for name, texts in WRONG.items() for text in texts]


def read(setting: Setting, environment: dict[str, str]) -> None:
    """As those do who look at the setting."""
    if setting.area is Area.SERVICE:
        Settings.build(environment)
    else:
        Config.read(environment)


def test_every_setting_is_tried() -> None:
    """What a key must be is only known where it is read: see tests/worker/secrets."""
    tried = [*WRONG, *SAYS_ITSELF_WHAT_IS_WRONG, *ANY_TEXT_WILL_DO]
    assert sorted(tried) == sorted(setting.name for setting in TABLE)


@pytest.mark.parametrize(("setting", "text"), CASES, ids=lambda case: getattr(case, "name", case))
def test_wrong_value_is_named_with_its_variable_and_what_is_expected(setting: Setting, text: str) -> None:
    with pytest.raises((SettingsError, UsageError)) as raised:
        read(setting, {setting.variable: text})
    assert f"{setting.variable}" in str(raised.value)
    assert str(raised.value).endswith(f" is {text!r}: expected {setting.expected}")


@pytest.mark.parametrize(("setting", "text"), CASES, ids=lambda case: getattr(case, "name", case))
def test_wrong_value_in_the_file_is_named_with_the_file(setting: Setting, text: str, tmp_path: Path) -> None:
    file = tmp_path / "headrace.toml"
    file.touch(mode=0o600)
    file.write_text(f"{setting.name} = {text!r}\n")
    with pytest.raises((SettingsError, UsageError)) as raised:
        read(setting, {"HEADRACE_CONFIG": str(file)})
    assert str(raised.value) == f"{setting.name} in {file} is {text!r}: expected {setting.expected}"


def test_wrong_rule_of_retention_is_named_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "headrace.toml"
    file.write_text('retention = "logs=week"\n')
    for place, environment in (
        ("HEADRACE_RETENTION", {"HEADRACE_RETENTION": "logs=week"}),
        (f"retention in {file}", {"HEADRACE_CONFIG": str(file)}),
    ):
        with pytest.raises(SettingsError) as raised:
            Settings.build(environment)
        assert str(raised.value).startswith(f"{place}: logs is 'week': expected days such as 90d")


def test_password_is_not_repeated_wherever_the_value_goes_wrong() -> None:
    for name, scheme in itertools.product(["database_url", "redis_url", "forge_proxy"], ["ftp", "mysql"]):
        setting = BY_NAME[name]
        with pytest.raises(SettingsError, match=setting.variable) as raised:
            Settings.build({setting.variable: f"{scheme}://ada:hunter2@example.org/x"})
        assert "hunter2" not in str(raised.value)
