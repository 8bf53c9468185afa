"""Answers: what a container engine tells, as values of ours."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto


class EngineKind(Enum):
    """Whose program an engine is, where that makes a difference. What we don't know we take for Docker's."""

    DOCKER = auto()
    PODMAN = auto()


class Restriction(StrEnum):
    """What a container can be kept within, in words."""

    MEMORY = "memory"
    PROCESSES = "the number of processes"
    PROCESSORS = "processors"
    SYSTEM_CALLS = "system calls (seccomp)"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineInfo:
    """What we ask an engine about itself and its machine. `architecture` is as in `uname -m`, or as Go writes it.

    `memory_bytes` is what containers may be limited in: 0 if the engine can't limit memory, or doesn't know it. `lacks`
    are the restrictions that it says it can't lay on containers.
    """

    kind: EngineKind
    architecture: str
    cpus: int
    memory_bytes: int
    lacks: tuple[Restriction, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerState:
    """Where a container stands. `error` is what the engine said when it couldn't start it."""

    is_running: bool
    exit_code: int
    out_of_memory: bool
    error: str
    is_being_removed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image on the engine's machine.

    `digests` are the names that registries know it by (`NAME@sha256:…`), none for one that was made here.
    `architecture` is as Go writes it: amd64, arm64. `health` is its own health check as the API has it: empty,
    `("NONE",)`, `("CMD", PROGRAM, …)` or `("CMD-SHELL", COMMAND)`. `triggers` are the Dockerfile lines that run
    where it is built upon, `tags` its names here.
    """

    id: str
    digests: tuple[str, ...]
    architecture: str
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    shell: tuple[str, ...]
    health: tuple[str, ...]
    triggers: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A container, network or volume with its labels. `name` is what the engine removes it by."""

    name: str
    labels: Mapping[str, str]
