"""A registry is shown its own login, from wherever Docker's configuration keeps it, and nothing secret is ever told."""

import json
import os
import subprocess
import time
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from runner.engine.credentials import Credentials, CredentialsError, login_for, registry_of

SECRET = "canary-77ab"
AUTH = b64encode(f"me:{SECRET}".encode()).decode()


def shown(directory: Path, registry: str, *, helper_seconds: float = 10, **configuration: Any) -> dict[str, str] | None:
    """What a registry is shown under this configuration."""
    (directory / "config.json").write_text(json.dumps(configuration))
    login = Credentials(directory, helper_seconds=helper_seconds).login(registry)
    return login.for_engine() if login else None


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a helper program called `tests`, on the PATH, still to be written."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return tmp_path / "docker-credential-tests"


def write(helper: Path, script: str) -> None:
    helper.write_text(f"#!/bin/sh\n{script}\n")
    helper.chmod(0o755)


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("busybox", "docker.io"),
        ("team/tool:1", "docker.io"),
        ("docker.io/library/busybox", "docker.io"),
        ("index.docker.io/team/tool", "docker.io"),
        ("ghcr.io/team/tool@sha256:ab", "ghcr.io"),
        ("localhost/tool", "localhost"),
        ("localhost:5000/tool", "localhost:5000"),
        ("busybox:1.36", "docker.io"),
    ],
)
def test_the_registry_is_the_first_part_if_that_is_a_host(image: str, registry: str) -> None:
    assert registry_of(image) == registry


def test_a_login_in_the_file_is_for_its_registry_alone(tmp_path: Path) -> None:
    auths = {"ghcr.io": {"auth": AUTH}}
    assert shown(tmp_path, "ghcr.io", auths=auths) == {"username": "me", "password": SECRET, "serveraddress": "ghcr.io"}
    assert shown(tmp_path, "docker.io", auths=auths) is None
    assert shown(tmp_path, "evil-ghcr.io", auths=auths) is None
    assert shown(tmp_path, "ghcr.io:8443", auths=auths) is None


@pytest.mark.parametrize("key", ["https://index.docker.io/v1/", "docker.io", "index.docker.io"])
def test_the_login_of_docker_hub_has_many_names(tmp_path: Path, key: str) -> None:
    found = shown(tmp_path, "docker.io", auths={key: {"auth": AUTH}})
    assert found == {"username": "me", "password": SECRET, "serveraddress": "https://index.docker.io/v1/"}


def test_a_token_is_shown_as_one(tmp_path: Path) -> None:
    found = shown(tmp_path, "ghcr.io", auths={"https://ghcr.io/v2/": {"identitytoken": SECRET}})
    assert found == {"identitytoken": SECRET, "serveraddress": "ghcr.io"}


def test_without_a_configuration_there_is_no_login(tmp_path: Path) -> None:
    assert Credentials().login("docker.io") is None
    assert Credentials(tmp_path).login("docker.io") is None
    assert shown(tmp_path, "docker.io", auths={"https://index.docker.io/v1/": {}}) is None


def test_a_helper_is_asked_for_the_registry_by_its_name(tmp_path: Path, helper: Path) -> None:
    write(helper, f'read server; echo "{{\\"Username\\": \\"$server\\", \\"Secret\\": \\"{SECRET}\\"}}"')
    for configuration in ({"credsStore": "tests"}, {"credHelpers": {"ghcr.io": "tests"}, "credsStore": "absent"}):
        found = shown(tmp_path, "ghcr.io", **configuration)
        assert found == {"username": "ghcr.io", "password": SECRET, "serveraddress": "ghcr.io"}
    found = shown(tmp_path, "docker.io", credsStore="tests")
    assert found
    assert found["username"] == "https://index.docker.io/v1/"


def test_a_helper_may_give_a_token(tmp_path: Path, helper: Path) -> None:
    write(helper, f"""echo '{{"Username": "<token>", "Secret": "{SECRET}"}}'""")
    assert shown(tmp_path, "ghcr.io", credsStore="tests") == {"identitytoken": SECRET, "serveraddress": "ghcr.io"}


def test_what_no_helper_knows_is_looked_for_in_the_file(tmp_path: Path, helper: Path) -> None:
    write(helper, "echo 'credentials not found in native keychain'; exit 1")
    found = shown(tmp_path, "ghcr.io", credsStore="tests", auths={"ghcr.io": {"auth": AUTH}})
    assert found
    assert found["password"] == SECRET


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        (f"echo {SECRET}; exit 3", "failed with exit code 3"),
        (f"echo {SECRET}", "answered with something else than a login"),
        (f"echo '[\"{SECRET}\"]'", "answered with something else than a login"),
    ],
)
def test_a_helper_that_fails_is_named_and_what_it_said_is_not(
    tmp_path: Path, helper: Path, script: str, problem: str
) -> None:
    write(helper, script)
    with pytest.raises(CredentialsError) as caught:
        shown(tmp_path, "ghcr.io", credsStore="tests")
    assert str(caught.value) == f"the credential helper docker-credential-tests {problem}"


def test_a_helper_that_hangs_is_killed_with_its_children(tmp_path: Path, helper: Path) -> None:
    write(helper, "sleep 600 & echo $! > $0.child; wait")
    began = time.monotonic()
    with pytest.raises(CredentialsError, match=r"did not answer within 0\.5 s"):
        shown(tmp_path, "ghcr.io", credsStore="tests", helper_seconds=0.5)
    assert time.monotonic() - began < 10
    child = Path(f"{helper}.child").read_text().strip()
    state = subprocess.run(["ps", "-o", "stat=", "-p", child], capture_output=True, text=True, check=False).stdout
    assert state.strip() in ("", "Z")


@pytest.mark.parametrize("name", ["../tests", "tests; touch pwned", "", "-x"])
def test_a_helpers_name_is_never_a_path_or_a_command(tmp_path: Path, helper: Path, name: str) -> None:
    write(helper, "exit 0")
    with pytest.raises(CredentialsError, match=r"is not installed$"):
        shown(tmp_path, "ghcr.io", credHelpers={"ghcr.io": name})
    assert [each.name for each in tmp_path.iterdir() if "pwned" in each.name] == []


@pytest.mark.parametrize(
    "content", [f"{{{SECRET}", f'"{SECRET}"', f'{{"auths": {{"ghcr.io": {{"auth": "{SECRET}%"}}}}}}']
)
def test_a_broken_configuration_is_named_without_its_content(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(CredentialsError, match="can't be read") as caught:
        Credentials(tmp_path).login("ghcr.io")
    assert SECRET not in str(caught.value)


def test_a_login_does_not_show_when_it_is_printed(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"ghcr.io": {"auth": AUTH}}}))
    assert SECRET not in repr(Credentials(tmp_path).login("ghcr.io"))


def test_given_login_goes_before_the_configured_one_for_its_registry_alone(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"a.example.org": {"auth": AUTH}}}))
    given = {name: login_for(name, user="ada", password="given") for name in ("a.example.org", "docker.io")}
    credentials = Credentials(tmp_path, given=given)
    assert credentials.login("a.example.org") == given["a.example.org"]
    assert given["docker.io"].for_engine()["serveraddress"] == "https://index.docker.io/v1/"
    assert credentials.login("b.example.org") is None
