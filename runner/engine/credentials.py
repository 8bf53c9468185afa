"""Credentials: what a registry is shown, from the user's Docker configuration and the helper programs it names.

DESIGN. Each registry is shown its own login and no other's. The configuration is read anew for each pull, so that a
`docker login` counts at once. A helper is a program `docker-credential-NAME`: it is started without a shell, given the
registry's name on its standard input, and killed with all its children once its time is up. Nothing that it prints is
ever told: if it fails, the image is pulled without a login, and the log says why.
"""

import json
import os
import re
import shutil
import signal
import subprocess
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DOCKER_HUB = "docker.io"
HELPER_SECONDS = 20.0
_DOCKER_HUB_KEY = "https://index.docker.io/v1/"
DOCKER_HUB_HOSTS = {DOCKER_HUB, "index.docker.io", "registry-1.docker.io"}
_TOKEN_USER = "<token>"  # noqa: S105 - what helpers put in place of a user's name
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NOT_FOUND = b"credentials not found in native keychain"


class CredentialsError(Exception):
    """Raised when a login is configured and can't be had. Its text is one phrase without anything secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What one registry is shown: a user with a password, or a token. Never printed."""

    server: str
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    def for_engine(self) -> dict[str, str]:
        """The login as the engine's API has it."""
        if self.token:
            return {"identitytoken": self.token, "serveraddress": self.server}
        return {"username": self.user, "password": self.password, "serveraddress": self.server}


NO_LOGINS: Mapping[str, Login] = {}


class Credentials:
    """The logins of a directory such as `~/.docker`, and those `given` by registry, which go before them."""

    def __init__(
        self,
        directory: Path | None = None,
        *,
        given: Mapping[str, Login] = NO_LOGINS,
        helper_seconds: float = HELPER_SECONDS,
    ) -> None:
        self._directory = directory
        self._given = given
        self._helper_seconds = helper_seconds

    def login(self, registry: str) -> Login | None:
        """The login for a registry (`docker.io`, `host:port`); None if there is none. Raises CredentialsError.

        As with `docker` itself, the registry's own helper goes first, then the helper for all, then the file.
        """
        if registry in self._given:
            return self._given[registry]
        configuration = self._read()
        for helper in _helpers(configuration, registry):
            if login := self._ask(helper, _server(registry)):
                return login
        return _from_file(configuration, registry)

    def _read(self) -> Mapping[str, Any]:
        if self._directory is None:
            return {}
        path = self._directory / "config.json"
        try:
            content = json.loads(path.read_text())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise CredentialsError(f"{path} can't be read: {_kind(error)}") from error
        if not isinstance(content, dict):
            raise CredentialsError(f"{path} can't be read: it is no JSON object")
        return content

    def _ask(self, helper: str, server: str) -> Login | None:
        """What a helper knows about a server. None if it doesn't know it."""
        name = f"docker-credential-{helper}"
        program = shutil.which(name) if _HELPER.fullmatch(helper) else None
        if program is None:
            raise CredentialsError(f"the credential helper {name} is not installed")
        answer = _output_of(program, server, name, self._helper_seconds)
        return _login_in(answer, server, name) if answer else None


def registry_of(image: str) -> str:
    """The registry that an image's name leads to: `docker.io` unless its first part is a host."""
    first, slash, _ = image.partition("/")
    is_host = slash and (first == "localhost" or "." in first or ":" in first)
    return DOCKER_HUB if not is_host or first in DOCKER_HUB_HOSTS else first


def login_for(registry: str, *, user: str, password: str) -> Login:
    """A login for a registry that `registry_of` gave."""
    return Login(server=_server(registry), user=user, password=password)


def _server(registry: str) -> str:
    """The name under which logins for a registry are kept."""
    return _DOCKER_HUB_KEY if registry == DOCKER_HUB else registry


def _helpers(configuration: Mapping[str, Any], registry: str) -> Iterator[str]:
    own = configuration.get("credHelpers")
    own = own if isinstance(own, dict) else {}
    for name in (registry, _server(registry)):
        if isinstance(helper := own.get(name), str):
            yield helper
            return
    if (store := configuration.get("credsStore")) and isinstance(store, str):
        yield store


def _from_file(configuration: Mapping[str, Any], registry: str) -> Login | None:
    """The login that `docker login` wrote into the file itself."""
    entries = configuration.get("auths")
    for key, entry in entries.items() if isinstance(entries, dict) else ():
        if _host(key) == registry and isinstance(entry, dict) and (login := _login_of(entry, _server(registry))):
            return login
    return None


def _host(key: str) -> str:
    """The registry that a key of `auths` means: old ones are whole addresses."""
    host = re.sub(r"^https?://", "", key).partition("/")[0]
    return DOCKER_HUB if host in DOCKER_HUB_HOSTS else host


def _login_of(entry: Mapping[str, Any], server: str) -> Login | None:
    if token := entry.get("identitytoken"):
        return Login(server=server, token=str(token))
    if auth := entry.get("auth"):
        try:
            user, _, password = b64decode(auth).decode().rstrip("\0").partition(":")
        except (ValueError, TypeError) as error:
            raise CredentialsError(f"the login for {server} in Docker's config.json can't be read") from error
        return Login(server=server, user=user, password=password)
    if entry.get("username"):
        return Login(server=server, user=str(entry["username"]), password=str(entry.get("password", "")))
    return None


def _login_in(answer: bytes, server: str, name: str) -> Login | None:
    try:
        found = json.loads(answer)
        user, secret = str(found["Username"]), str(found["Secret"])
    except (ValueError, KeyError, TypeError) as error:
        raise CredentialsError(f"the credential helper {name} answered with something else than a login") from error
    if user == _TOKEN_USER:
        return Login(server=server, token=secret)
    return Login(server=server, user=user, password=secret) if user or secret else None


def _output_of(program: str, server: str, name: str, limit_seconds: float) -> bytes:
    """What `docker-credential-NAME get` prints about a server; nothing if it doesn't know it."""
    try:
        helper = subprocess.Popen(
            [program, "get"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise CredentialsError(f"the credential helper {name} can't be started: {_kind(error)}") from error
    with helper:
        try:
            answer, _ = helper.communicate(server.encode(), timeout=limit_seconds)
        except subprocess.TimeoutExpired as error:
            os.killpg(helper.pid, signal.SIGKILL)
            raise CredentialsError(f"the credential helper {name} did not answer within {limit_seconds:g} s") from error
    if helper.returncode == 0 or answer.strip() == _NOT_FOUND:
        return answer if helper.returncode == 0 else b""
    raise CredentialsError(f"the credential helper {name} failed with exit code {helper.returncode}")


def _kind(error: Exception) -> str:
    """What went wrong with a file, without a word of what is in it."""
    return error.strerror or "it can't be opened" if isinstance(error, OSError) else "it is no JSON"
