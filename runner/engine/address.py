"""The container engine's address: from DOCKER_HOST, else from the Docker command line's current context."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runner.errors import UsageError

DEFAULT_ADDRESS = "unix:///var/run/docker.sock"


def engine_address(environment: Mapping[str, str], home: Path) -> str:
    """The engine that `docker` would use with these variables and home. Raises UsageError if we can't speak to it."""
    if host := environment.get("DOCKER_HOST"):
        return _usable(host, "DOCKER_HOST")
    directory = Path(environment.get("DOCKER_CONFIG") or home / ".docker")
    context = environment.get("DOCKER_CONTEXT") or _read(directory / "config.json").get("currentContext") or "default"
    if context == "default":
        return DEFAULT_ADDRESS
    name = hashlib.sha256(context.encode()).hexdigest()
    meta = _read(directory / "contexts" / "meta" / name / "meta.json")
    host = meta.get("Endpoints", {}).get("docker", {}).get("Host")
    if not host:
        raise UsageError(f"the Docker context {context!r} has no engine (see `docker context ls`, or set DOCKER_HOST)")
    return _usable(host, f"the Docker context {context!r}")


def _usable(host: str, source: str) -> str:
    if host.startswith(("unix://", "tcp://", "http://")):
        return host
    raise UsageError(f"{source} is {host!r}: only unix:// and tcp:// engines can be used")


def _read(path: Path) -> dict[str, Any]:
    """The JSON object in a file; an empty one if there is no such file."""
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} can't be read: {error}") from error
    return content if isinstance(content, dict) else {}
