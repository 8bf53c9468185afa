"""Settings: everything that can be set, built once at the edge from the command line and the environment."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Self

from worker.errors import SettingsError

_DATA = "~/.local/share/headrace"
_LISTEN = "127.0.0.1:8484"
_REDIS_IMAGE = "redis:7-alpine"
_LEASE_SECONDS = "30"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the server listens. Port 0 lets the system choose one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str, *, setting: str) -> Self:
        """An address from `HOST:PORT`. Raises SettingsError."""
        host, _, port = text.rpartition(":")
        if not host or not port.isdecimal() or int(port) > 65535:
            raise SettingsError(f"{setting} is {text!r}: expected HOST:PORT, such as {_LISTEN}")
        return cls(host=host.strip("[]"), port=int(port))

    @property
    def is_loopback(self) -> bool:
        """True if only this machine can reach it."""
        return self.host in ("localhost", "::1") or self.host.startswith("127.")

    def __str__(self) -> str:
        """`HOST:PORT`, as it stands in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class AccessLog(StrEnum):
    """Whether every request is logged."""

    ON = "on"
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of the service. `url` is how browsers and forges reach it, without a final slash.

    `database_url` is SQLAlchemy's: a SQLite file in the data directory unless it is set; it may hold a password.
    `secret_key` holds the keys that secrets are sealed with, `""` where they are in `secret_key_file`.
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

    @classmethod
    def build(cls, environment: Mapping[str, str] = os.environ, **given: str | None) -> Self:
        """Settings from what the command line gave, else `HEADRACE_*` variables, else the defaults."""

        def setting(name: str, default: str) -> str:
            return given.get(name) or environment.get(f"HEADRACE_{name.upper()}") or default

        listen = Address.parse(setting("listen", _LISTEN), setting="--listen (HEADRACE_LISTEN)")
        log_format = setting("log_format", "console")
        if log_format not in ("console", "json"):
            raise SettingsError(f"--log-format (HEADRACE_LOG_FORMAT) is {log_format!r}: expected console or json")
        data = Path(setting("data", _DATA)).expanduser().absolute()
        return cls(
            data=data,
            listen=listen,
            url=_checked_url(setting("url", f"http://{listen}")),
            database_url=_checked_database_url(setting("database_url", f"sqlite:///{data}/headrace.sqlite")),
            secret_key=setting("secret_key", ""),
            secret_key_file=Path(setting("secret_key_file", f"{data}/secret.key")).expanduser().absolute(),
            privileged_plugins=tuple(setting("privileged_plugins", "").replace(",", " ").split()),
            labels=tuple(setting("labels", "").replace(",", " ").split()),
            redis_url=_checked_redis_url(setting("redis_url", "")),
            redis_image=setting("redis_image", _REDIS_IMAGE),
            forge_proxy=_checked_proxy(setting("forge_proxy", "")),
            lease_seconds=_seconds(setting("lease_seconds", _LEASE_SECONDS), setting="HEADRACE_LEASE_SECONDS"),
            host=setting("host", ""),
            log_format=log_format,
            access_log=_access_log(setting("access_log", "on" if log_format == "json" else "off")),
        )

    def on_port(self, port: int) -> Self:
        """These settings with the port that the system chose, if the choice was left to it."""
        actual = replace(self.listen, port=port)
        url_follows = self.url == f"http://{self.listen}"
        return replace(self, listen=actual, url=f"http://{actual}" if url_follows else self.url)

    def as_environment(self) -> dict[str, str]:
        """This process's environment with these settings in it, for a child that builds its own from there."""
        return os.environ | {
            "HEADRACE_DATA": str(self.data),
            "HEADRACE_LISTEN": str(self.listen),
            "HEADRACE_URL": self.url,
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
        }

    @property
    def runs_directory(self) -> Path:
        """A directory a run, with its logs and artifacts: shared by the server and the workers."""
        return self.data / "runs"

    @property
    def mirrors_directory(self) -> Path:
        """A bare mirror a repository: the workers'."""
        return self.data / "mirrors"


def _seconds(text: str, *, setting: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= 3600:
        raise SettingsError(f"{setting} is {text!r}: expected seconds from 1 to 3600, such as 30")
    return seconds


def _access_log(text: str) -> AccessLog:
    try:
        return AccessLog(text)
    except ValueError as error:
        raise SettingsError(f"HEADRACE_ACCESS_LOG is {text!r}: expected on or off") from error


def _checked_url(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise SettingsError(f"--url (HEADRACE_URL) is {url!r}: expected http://… or https://…")
    return url.rstrip("/")


def _checked_database_url(url: str) -> str:
    if not url.startswith(("sqlite:////", "postgresql://", "postgres://")):
        raise SettingsError(
            f"HEADRACE_DATABASE_URL is {_without_password(url)!r}: expected postgresql://USER:PASSWORD@HOST/NAME "
            "or sqlite:////PATH"
        )
    return url.replace("postgres://", "postgresql://", 1) if url.startswith("postgres://") else url


def _checked_redis_url(url: str) -> str:
    if url and not url.startswith(("redis://", "rediss://", "unix://")):
        raise SettingsError(
            f"--redis-url (HEADRACE_REDIS_URL) is {_without_password(url)!r}: "
            "expected redis://…, rediss://… or unix://…"
        )
    return url


def _checked_proxy(url: str) -> str:
    if url and not re.fullmatch(r"https?://(?:[^/@\s]+@)?[^/@\s]+/?", url):
        raise SettingsError(f"HEADRACE_FORGE_PROXY is {_without_password(url)!r}: expected http://HOST:PORT")
    return url


def _without_password(url: str) -> str:
    return re.sub(r"[^/@]*@", "…@", url)
