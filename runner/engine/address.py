"""The container engine's address and certificates: from Docker's variables, else from its current context."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from runner.errors import UsageError

DEFAULT_ADDRESS = "unix:///var/run/docker.sock"
_SSH = re.compile(r"ssh://(?:([\w.][\w.-]*)@)?(\w[\w.-]*|\[[0-9a-fA-F:.]+\])(?::(\d{1,5}))?/?(/[^\s:]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """What a tcp:// engine is spoken to with. `verify` is whether its own certificate is looked at."""

    directory: Path
    verify: bool

    @property
    def authority(self) -> Path:
        """Who must have signed the engine's certificate; without such a file, anyone whom this machine trusts."""
        return self.directory / "ca.pem"

    @property
    def certificate(self) -> Path:
        """What we show; nothing without such a file."""
        return self.directory / "cert.pem"

    @property
    def key(self) -> Path:
        """The key to it."""
        return self.directory / "key.pem"

    def __str__(self) -> str:
        return str(self.directory)


@dataclass(frozen=True, slots=True, kw_only=True)
class SshAddress:
    """An engine's unix socket on another machine. Without user or port the user's own configuration decides."""

    host: str
    user: str = ""
    port: int | None = None
    socket: str = DEFAULT_ADDRESS.removeprefix("unix://")

    @property
    def arguments(self) -> tuple[str, ...]:
        """Who and where, as ssh takes it."""
        user = ("-l", self.user) if self.user else ()
        port = ("-p", str(self.port)) if self.port else ()
        return (*user, *port, "--", self.host)

    @property
    def advice(self) -> str:
        """What somebody for whom it doesn't work may try."""
        return f"does this work: ssh {' '.join(word for word in self.arguments if word != '--')} docker version"

    def __str__(self) -> str:
        port = f":{self.port}" if self.port else ""
        return f"ssh://{self.user}{'@' if self.user else ''}{self.host}{port}"


def ssh_address(url: str) -> SshAddress | None:
    """The parts of `ssh://USER@HOST:PORT/SOCKET`; None if it isn't one. A password is none of its parts."""
    found = _SSH.fullmatch(url)
    if found is None:
        return None
    user, host, port, socket = found.groups()
    address = SshAddress(host=host.strip("[]"), user=user or "", port=int(port) if port else None)
    return replace(address, socket=socket) if socket else address


def docker_directory(environment: Mapping[str, str], home: Path) -> Path:
    """Where Docker's command line keeps its configuration, and the logins for registries."""
    return Path(environment.get("DOCKER_CONFIG") or home / ".docker")


def engine_certificates(environment: Mapping[str, str], home: Path) -> Certificates | None:
    """What `docker` would use with these variables and home; None if the engine is spoken to in the clear."""
    directory = docker_directory(environment, home)
    if host := environment.get("DOCKER_HOST"):
        verify, path = environment.get("DOCKER_TLS_VERIFY"), environment.get("DOCKER_CERT_PATH")
        wanted = host.startswith("tcp://") and (verify or path)
        return Certificates(directory=Path(path or directory), verify=bool(verify)) if wanted else None
    context = _context(environment, directory)
    name = hashlib.sha256(context.encode()).hexdigest()
    endpoint = _read(directory / "contexts" / "meta" / name / "meta.json").get("Endpoints", {}).get("docker", {})
    files = directory / "contexts" / "tls" / name / "docker"
    if context == "default" or not (files.is_dir() or endpoint.get("SkipTLSVerify")):
        return None
    return Certificates(directory=files, verify=not endpoint.get("SkipTLSVerify"))


def engine_address(environment: Mapping[str, str], home: Path) -> str:
    """The engine that `docker` would use with these variables and home. Raises UsageError if we can't speak to it."""
    if host := environment.get("DOCKER_HOST"):
        return _usable(host, "DOCKER_HOST")
    directory = docker_directory(environment, home)
    context = _context(environment, directory)
    if context == "default":
        return DEFAULT_ADDRESS
    name = hashlib.sha256(context.encode()).hexdigest()
    meta = _read(directory / "contexts" / "meta" / name / "meta.json")
    host = meta.get("Endpoints", {}).get("docker", {}).get("Host")
    if not host:
        raise UsageError(f"the Docker context {context!r} has no engine (see `docker context ls`, or set DOCKER_HOST)")
    return _usable(host, f"the Docker context {context!r}")


def _context(environment: Mapping[str, str], directory: Path) -> str:
    chosen = environment.get("DOCKER_CONTEXT") or _read(directory / "config.json").get("currentContext")
    return str(chosen or "default")


def _usable(host: str, source: str) -> str:
    if host.startswith(("unix://", "tcp://", "http://")):
        return host
    if host.startswith("ssh://"):
        if ssh_address(host) is None:
            raise UsageError(f"{source} is {host!r}: expected ssh://USER@HOST:PORT/SOCKET, of which only HOST must be")
        return host
    raise UsageError(f"{source} is {host!r}: only unix://, tcp:// and ssh:// engines can be used")


def _read(path: Path) -> dict[str, Any]:
    """The JSON object in a file; an empty one if there is no such file."""
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} can't be read: {error}") from error
    return content if isinstance(content, dict) else {}
