"""Settings of the service, built once at the edge. The table in runner/settings/ says what there is."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import Self

from runner.settings.forms import directory, web_address
from runner.settings.source import Source
from worker.errors import Malformed, SettingsError
from worker.retention.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the server listens. Port 0 lets the system choose one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """An address from `HOST:PORT`. Raises ValueError."""
        host, _, port = text.rpartition(":")
        if not host or not port.isdecimal() or int(port) > 65535:
            raise ValueError(text)
        return cls(host=host.strip("[]"), port=int(port))

    @property
    def is_loopback(self) -> bool:
        """True if only this machine can reach it."""
        return self.host in ("localhost", "::1") or self.host.startswith("127.")

    def __str__(self) -> str:
        """`HOST:PORT`, as it stands in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class LogFormat(StrEnum):
    """How our own log is written."""

    CONSOLE = "console"
    JSON = "json"


class AccessLog(StrEnum):
    """Whether every request is logged."""

    ON = "on"
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of the service. `url` is how browsers and forges reach it, without a final slash.

    `database_url` is SQLAlchemy's: a SQLite file in the data directory unless it is set; it may hold a password.
    `secret_key` holds the keys that secrets are sealed with, `""` where they are in `secret_key_file`.
    `trusted_proxies` are networks whose word of the client's address counts.
    Plugins of the images in `privileged_plugins` run privileged.
    `forge_proxy` is what forges are told through, `""` to reach them directly.
    A worker that is not heard of for `lease_seconds` has lost its task.
    `labels` are what this machine's workers say of themselves, as `NAME=VALUE`.
    `redis_url` is `""` where `headrace up` runs its own Redis, from `redis_image` if no program is at hand; `host`
    names this machine in labels and pages.
    """

    data: Path
    listen: Address
    url: str
    trusted_proxies: tuple[str, ...]
    database_url: str = field(repr=False)
    secret_key: str = field(repr=False)
    secret_key_file: Path
    privileged_plugins: tuple[str, ...]
    labels: tuple[str, ...]
    redis_url: str = field(repr=False)
    redis_image: str
    forge_proxy: str = field(repr=False)
    lease_seconds: float
    host: str
    log_format: str
    access_log: AccessLog
    retention: Policy

    @classmethod
    def build(cls, environment: Mapping[str, str] = os.environ, **given: str | None) -> Self:
        """Settings from what the command line gave, else `HEADRACE_*` variables, else the file, else the defaults."""
        source = Source.open(environment, SettingsError, given)
        listen = source.value("listen", Address.parse)
        log_format = source.value("log_format", LogFormat)
        data = source.value("data", directory)
        return cls(
            data=data,
            listen=listen,
            url=source.value("url", web_address, f"http://{listen}"),
            trusted_proxies=source.value("trusted_proxies", _networks),
            database_url=source.value("database_url", _checked_database_url, f"sqlite:///{data}/headrace.sqlite"),
            secret_key=source.text("secret_key"),
            secret_key_file=source.value("secret_key_file", directory, f"{data}/secret.key"),
            privileged_plugins=tuple(source.text("privileged_plugins").replace(",", " ").split()),
            labels=tuple(source.text("labels").replace(",", " ").split()),
            redis_url=source.value("redis_url", _checked_redis_url),
            redis_image=source.text("redis_image"),
            host=source.text("host"),
            log_format=log_format.value,
            forge_proxy=source.value("forge_proxy", _checked_proxy),
            lease_seconds=source.value("lease_seconds", _lease_seconds),
            access_log=source.value("access_log", AccessLog, "on" if log_format is LogFormat.JSON else "off"),
            retention=_retention(source),
        )

    def on_port(self, port: int) -> Self:
        """These settings with the port that the system chose, if the choice was left to it."""
        return self.at(replace(self.listen, port=port))

    def at(self, actual: Address) -> Self:
        """These settings with the address where we do listen, whoever has chosen it."""
        url_follows = self.url == f"http://{self.listen}"
        return replace(self, listen=actual, url=f"http://{actual}" if url_follows else self.url)

    def as_environment(self) -> dict[str, str]:
        """This process's environment with these settings in it, for a child that builds its own from there."""
        return os.environ | {
            "HEADRACE_DATA": str(self.data),
            "HEADRACE_LISTEN": str(self.listen),
            "HEADRACE_URL": self.url,
            "HEADRACE_TRUSTED_PROXIES": ",".join(self.trusted_proxies),
            "HEADRACE_DATABASE_URL": self.database_url,
            "HEADRACE_SECRET_KEY": self.secret_key,
            "HEADRACE_SECRET_KEY_FILE": str(self.secret_key_file),
            "HEADRACE_PRIVILEGED_PLUGINS": ",".join(self.privileged_plugins),
            "HEADRACE_LABELS": ",".join(self.labels),
            "HEADRACE_REDIS_URL": self.redis_url,
            "HEADRACE_REDIS_IMAGE": self.redis_image,
            "HEADRACE_FORGE_PROXY": self.forge_proxy,
            "HEADRACE_LEASE_SECONDS": str(self.lease_seconds),
            "HEADRACE_HOST": self.host,
            "HEADRACE_LOG_FORMAT": self.log_format,
            "HEADRACE_ACCESS_LOG": self.access_log.value,
            "HEADRACE_RETENTION": str(self.retention),
        }

    @property
    def runs_directory(self) -> Path:
        """A directory a run, with its logs and artifacts: shared by the server and the workers."""
        return self.data / "runs"

    @property
    def mirrors_directory(self) -> Path:
        """A bare mirror a repository: the workers'."""
        return self.data / "mirrors"


def _retention(source: Source) -> Policy:
    try:
        return Policy.parse(source.text("retention"))
    except Malformed as error:
        raise SettingsError(f"{source.where('retention')}: {error}") from error


def _networks(text: str) -> tuple[str, ...]:
    return tuple(str(ip_network(each, strict=False)) for each in text.replace(",", " ").split())


def _lease_seconds(text: str) -> float:
    seconds = float(text)
    if not 1 <= seconds <= 3600:
        raise ValueError(text)
    return seconds


def _checked_database_url(url: str) -> str:
    if not url.startswith(("sqlite:////", "postgresql://", "postgres://")):
        raise ValueError(url)
    return url.replace("postgres://", "postgresql://", 1) if url.startswith("postgres://") else url


def _checked_redis_url(url: str) -> str:
    if url and not url.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError(url)
    return url


def _checked_proxy(url: str) -> str:
    if url and not re.fullmatch(r"https?://(?:[^/@\s]+@)?[^/@\s]+/?", url):
        raise ValueError(url)
    return url
