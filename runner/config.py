"""Config: what the settings say about this machine, read here and nowhere else in the runner."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import IPv4Network
from pathlib import Path
from typing import Self

from runner.engine.address import Certificates, docker_directory, engine_address, engine_certificates
from runner.errors import UsageError
from runner.settings.forms import directory, network_range, number, size_bytes, web_address
from runner.settings.source import Source

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
        """The config that `HEADRACE_*`, the file of settings, Docker's own variables and `XDG_STATE_HOME` give.

        Raises UsageError.
        """
        source = Source.open(environment, UsageError)
        state = Path(environment.get("XDG_STATE_HOME") or _STATE) / "headrace"
        return cls(
            state=source.value("state", directory, str(state)),
            engine_url=engine_address(environment, Path.home()),
            engine_certificates=engine_certificates(environment, Path.home()),
            docker_directory=docker_directory(environment, Path.home()),
            network_range=source.value("network_range", network_range),
            grace=timedelta(seconds=source.value("grace_seconds", number)),
            engine_patience=timedelta(seconds=source.value("engine_patience_seconds", number)),
            lanes=max(1, int(source.value("parallel", number, str(os.cpu_count() or 1)))),
            log_limit_bytes=source.value("log_limit", size_bytes),
            memory_bytes=source.value("memory", size_bytes) if source.text("memory") else None,
            server=source.value("server", web_address) if source.text("server") else "",
            token=source.text("token"),
        )

    @property
    def mirrors_directory(self) -> Path:
        """Copies of the repositories that local workflow files include others' files of."""
        return self.state / "mirrors"

    @property
    def runs_directory(self) -> Path:
        """A directory a local run, with its Records, logs and artifacts."""
        return self.state / "runs"
