"""Config: what the environment says about this machine, read here and nowhere else in the runner."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import IPv4Network
from pathlib import Path
from typing import Self

from runner.engine.address import Certificates, docker_directory, engine_address, engine_certificates
from runner.errors import UsageError

_NETWORK_RANGE = "10.231.0.0/16"
_GRACE_SECONDS = "10"
_ENGINE_PATIENCE_SECONDS = "60"
_LOG_LIMIT = "256 MiB"
_MEMORY = "4 GiB"  # an example: without a setting the machine decides
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_SIZE = re.compile(r"(\d{1,15})\s*(?:([kmg])(?:i?b)?)?", re.IGNORECASE)
_STATE = "~/.local/state"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """How steps run here. `lanes` is how many steps of a job run at once, `grace` the time from SIGTERM to SIGKILL.

    `engine_patience` is how long an engine that doesn't answer any more is waited for. What a step prints beyond
    `log_limit_bytes` is dropped. `memory_bytes` is what a step may take that doesn't say how much; None leaves that to
    the machine's size. `server` is the one that commands speak to unless told otherwise, or `""`, and `token` lets them
    in.
    """

    state: Path
    engine_url: str
    engine_certificates: Certificates | None
    docker_directory: Path
    network_range: IPv4Network
    grace: timedelta
    engine_patience: timedelta
    lanes: int
    log_limit_bytes: int
    memory_bytes: int | None
    server: str
    token: str = field(repr=False)

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """The config that `HEADRACE_*`, Docker's own variables and `XDG_STATE_HOME` give. Raises UsageError."""
        state = Path(environment.get("XDG_STATE_HOME") or _STATE).expanduser() / "headrace"
        return cls(
            state=Path(environment.get("HEADRACE_STATE") or state).absolute(),
            engine_url=engine_address(environment, Path.home()),
            engine_certificates=engine_certificates(environment, Path.home()),
            docker_directory=docker_directory(environment, Path.home()),
            network_range=_network(environment.get("HEADRACE_NETWORK_RANGE") or _NETWORK_RANGE),
            grace=timedelta(seconds=_number(environment, "HEADRACE_GRACE_SECONDS", _GRACE_SECONDS)),
            engine_patience=timedelta(
                seconds=_number(environment, "HEADRACE_ENGINE_PATIENCE_SECONDS", _ENGINE_PATIENCE_SECONDS)
            ),
            lanes=max(1, int(_number(environment, "HEADRACE_PARALLEL", str(os.cpu_count() or 1)))),
            log_limit_bytes=_size_bytes(environment, "HEADRACE_LOG_LIMIT", _LOG_LIMIT),
            memory_bytes=_memory_bytes(environment),
            server=environment.get("HEADRACE_SERVER") or "",
            token=environment.get("HEADRACE_TOKEN") or "",
        )

    @property
    def runs_directory(self) -> Path:
        """A directory a local run, with its Records, logs and artifacts."""
        return self.state / "runs"


def _memory_bytes(environment: Mapping[str, str]) -> int | None:
    name = "HEADRACE_MEMORY"
    return _size_bytes(environment, name, _MEMORY) if environment.get(name) else None


def _network(text: str) -> IPv4Network:
    try:
        return IPv4Network(text)
    except ValueError as error:
        raise UsageError(f"HEADRACE_NETWORK_RANGE is {text!r}: expected a network such as {_NETWORK_RANGE}") from error


def _number(environment: Mapping[str, str], name: str, default: str) -> float:
    text = environment.get(name) or default
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise UsageError(f"{name} is {text!r}: expected a number above 0, such as {default}")
    return number


def _size_bytes(environment: Mapping[str, str], name: str, default: str) -> int:
    """A size in bytes, or with a unit of 1024: `256 MiB`, `64k`."""
    text = environment.get(name) or default
    size = _SIZE.fullmatch(text.strip())
    if size is None or not int(size[1]):
        raise UsageError(f"{name} is {text!r}: expected a size above 0, such as {default}")
    return int(size[1]) * _UNITS[(size[2] or "").lower()]
