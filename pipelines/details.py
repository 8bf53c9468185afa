"""Details: what a step may ask for beyond its image and commands, in one shape for the model and the plan.

Times are in seconds and sizes in bytes; globs and paths are below the workspace.
"""

import json
import re
from collections.abc import Mapping

import msgspec

from pipelines.status import Status

_NUMBER = re.compile(r"-?\d+(\.\d+)?")


class SecretReference(msgspec.Struct, frozen=True, omit_defaults=True):
    """Stands where a secret's value will be. With `as_json` the value goes in as a JSON string, quotes and all."""

    from_secret: str
    as_json: bool = False


Value = str | SecretReference | tuple[str | SecretReference, ...]
"""What a variable will hold: text, a secret, or both in pieces that make one text side by side."""


class Build(msgspec.Struct, frozen=True, kw_only=True):
    """The image to build from the repository. `dockerfile` is below the `context`; `""` is its `Dockerfile`."""

    context: str
    dockerfile: str = ""
    args: dict[str, Value] = {}
    target: str = ""


class Retry(msgspec.Struct, frozen=True, kw_only=True):
    """How often a step may be tried in all, after which ends, and how long to wait in between.

    `on` holds failure, timeout, oom, error and lost; an empty `exit_codes` means every code but zero.
    """

    attempts: int
    exit_codes: tuple[int, ...] = ()
    on: tuple[str, ...] = ("failure",)
    delay: float = 0.0


class Resources(msgspec.Struct, frozen=True, kw_only=True):
    """What a container may use at most. None leaves it to the engine."""

    cpus: float | None = None
    memory: int | None = None
    pids: int | None = None
    shm: int | None = None


class Healthcheck(msgspec.Struct, frozen=True, kw_only=True):
    """How to see that a service is ready. An empty `command` is the image's own check; None leaves it as it is."""

    command: tuple[str, ...] = ()
    interval: float | None = None
    timeout: float | None = None
    retries: int | None = None
    start_period: float | None = None


class CacheRule(msgspec.Struct, frozen=True, kw_only=True):
    """Paths to restore before a step and to save after it. Without a `key`, one is made of repository and paths."""

    paths: tuple[str, ...]
    key: str = ""
    restore_keys: tuple[str, ...] = ()
    on: tuple[Status, ...] = (Status.SUCCESS,)


class ArtifactRule(msgspec.Struct, frozen=True, kw_only=True):
    """Which files to keep when a step ends, and for how long; None is for as long as the run."""

    paths: tuple[str, ...]
    name: str = ""
    on: tuple[Status, ...] = (Status.SUCCESS,)
    expire: float | None = None


class Reports(msgspec.Struct, frozen=True, kw_only=True):
    """Globs of files that are shown with the run."""

    junit: tuple[str, ...] = ()
    coverage: tuple[str, ...] = ()


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """A person must say yes before the step's job begins: one of `users`, or whoever may cancel runs without any.

    `timeout` is how many seconds that may take; None for what the server says.
    """

    message: str = ""
    users: tuple[str, ...] = ()
    timeout: float | None = None


class Reuse(msgspec.Struct, frozen=True, kw_only=True):
    """Skip the step if nothing that it depends on has changed since a success, `inputs` among it."""

    inputs: tuple[str, ...] = ()


class Checkout(msgspec.Struct, frozen=True, kw_only=True):
    """How the repository gets into the workspace. `depth` 0 is the whole history; None is what suits the event."""

    depth: int | None = None
    tags: bool | None = None
    recursive: bool = True
    lfs: bool = True
    partial: bool | None = None
    remote: str = ""
    attempts: int = 5
    backoff: float = 5.0


class Concurrency(msgspec.Struct, frozen=True, kw_only=True):
    """How many jobs of one group may run at once in a repository; `cancel` ends older ones to make room."""

    limit: int
    group: str = ""
    cancel: bool = False


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """An input of manual runs. `type` is string, bool, choice or number; a `default` of None means there is none."""

    type: str = "string"
    default: str | None = None
    options: tuple[str, ...] = ()
    required: bool = False
    description: str = ""

    def complaint(self, value: str) -> str:
        """What is wrong with such a value, to complete "PARAMETER …"; `""` for a good one."""
        match self.type:
            case "bool" if value not in ("true", "false"):
                return "must be true or false"
            case "number" if not _NUMBER.fullmatch(value):
                return "must be a number"
            case "choice" if value not in self.options:
                return f"must be one of {', '.join(self.options)}"
            case _:
                return ""


def references(value: Value) -> tuple[SecretReference, ...]:
    """The secrets in a value, in order."""
    parts = value if isinstance(value, tuple) else (value,)
    return tuple(part for part in parts if isinstance(part, SecretReference))


def resolved(value: Value, secrets: Mapping[str, str]) -> str:
    """The text that a program sees. `secrets` are by name in lower case; each that is in the value must be there."""
    parts = value if isinstance(value, tuple) else (value,)
    return "".join(part if isinstance(part, str) else _secret(part, secrets) for part in parts)


def _secret(reference: SecretReference, secrets: Mapping[str, str]) -> str:
    value = secrets[reference.from_secret.lower()]
    return json.dumps(value, ensure_ascii=False) if reference.as_json else value
