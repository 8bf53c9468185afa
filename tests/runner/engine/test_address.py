"""The engine is the one that `docker` would use."""

import hashlib
import json
from pathlib import Path

import pytest

from runner.engine.address import DEFAULT_ADDRESS, Certificates, engine_address, engine_certificates, ssh_address
from runner.errors import UsageError


def make_context(home: Path, name: str, host: str) -> None:
    directory = home / ".docker" / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    directory.mkdir(parents=True)
    (directory / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": host}}}))
    (home / ".docker" / "config.json").write_text(json.dumps({"currentContext": name}))


def test_without_any_setting_it_is_the_usual_socket(tmp_path: Path) -> None:
    assert engine_address({}, tmp_path) == DEFAULT_ADDRESS


def test_the_variable_wins_over_the_context(tmp_path: Path) -> None:
    make_context(tmp_path, "colima", "unix:///colima.sock")
    assert engine_address({"DOCKER_HOST": "tcp://10.0.0.1:2375"}, tmp_path) == "tcp://10.0.0.1:2375"
    assert engine_address({}, tmp_path) == "unix:///colima.sock"
    assert engine_address({"DOCKER_CONTEXT": "default"}, tmp_path) == DEFAULT_ADDRESS


def test_a_context_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the Docker context 'gone' has no engine"):
        engine_address({"DOCKER_CONTEXT": "gone"}, tmp_path)


def test_an_engine_that_we_cannot_speak_to_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        engine_address({"DOCKER_HOST": "npipe://engine"}, tmp_path)
    assert str(caught.value) == ("DOCKER_HOST is 'npipe://engine': only unix://, tcp:// and ssh:// engines can be used")


@pytest.mark.parametrize(
    ("url", "arguments", "socket"),
    [
        ("ssh://host", ("--", "host"), "/var/run/docker.sock"),
        ("ssh://me@host.example:2222", ("-l", "me", "-p", "2222", "--", "host.example"), "/var/run/docker.sock"),
        ("ssh://host/", ("--", "host"), "/var/run/docker.sock"),
        ("ssh://me@host/run/user/1000/docker.sock", ("-l", "me", "--", "host"), "/run/user/1000/docker.sock"),
        ("ssh://[fe80::1]:22", ("-p", "22", "--", "fe80::1"), "/var/run/docker.sock"),
    ],
)
def test_an_engine_may_be_behind_ssh(tmp_path: Path, url: str, arguments: tuple[str, ...], socket: str) -> None:
    make_context(tmp_path, "far", url)
    assert engine_address({}, tmp_path) == url
    address = ssh_address(url)
    assert address
    assert (address.arguments, address.socket) == (arguments, socket)


@pytest.mark.parametrize(
    "url",
    [
        "ssh://",
        "ssh://-oProxyCommand=x",
        "ssh://-l@host",
        "ssh://me:word@host",
        "ssh://host/a b",
        "ssh://h/a:b",
        "ssh://a;b",
    ],
)
def test_what_ssh_would_misread_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(UsageError, match="expected ssh://USER@HOST:PORT/SOCKET"):
        engine_address({"DOCKER_HOST": url}, tmp_path)


def test_certificates_are_for_tcp_engines_and_those_that_docker_would_take(tmp_path: Path) -> None:
    tcp = {"DOCKER_HOST": "tcp://host:2376"}
    usual = tmp_path / ".docker"
    verified = Certificates(directory=usual, verify=True)
    assert engine_certificates(tcp, tmp_path) is None
    assert engine_certificates({"DOCKER_HOST": "unix:///x", "DOCKER_TLS_VERIFY": "1"}, tmp_path) is None
    assert engine_certificates({**tcp, "DOCKER_TLS_VERIFY": "1"}, tmp_path) == verified
    unverified = Certificates(directory=Path("/certs"), verify=False)
    assert engine_certificates({**tcp, "DOCKER_CERT_PATH": "/certs"}, tmp_path) == unverified


def test_a_contexts_certificates_are_its_own(tmp_path: Path) -> None:
    make_context(tmp_path, "far", "tcp://far:2376")
    assert engine_certificates({}, tmp_path) is None
    files = tmp_path / ".docker" / "contexts" / "tls" / hashlib.sha256(b"far").hexdigest() / "docker"
    files.mkdir(parents=True)
    assert engine_certificates({}, tmp_path) == Certificates(directory=files, verify=True)


def test_a_broken_configuration_is_named(tmp_path: Path) -> None:
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text("{")
    with pytest.raises(UsageError, match=r"config\.json can't be read"):
        engine_address({}, tmp_path)
