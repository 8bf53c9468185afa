"""Limits: how much of the machine one container may take, as the engine's API has it. Pure.

Memory and memory with swap are the same number, so that a step that needs more ends instead of dragging the machine
down; an engine whose kernel doesn't count swap (cgroup v1 without `swapaccount=1`) limits memory alone. Open files are
limited only when asked for: an engine can't give more than it has itself, and Podman forgets what it has been
configured with as soon as it is asked for any limit of that kind.

A step that asks for no limit of memory gets one all the same: nine tenths of the machine's. So one that takes all it
can is ended by its own limit, which the engine tells of, and not the machine's, which may hit anybody.
"""

from dataclasses import dataclass
from typing import Any

from pipelines.details import Resources

PIDS_LIMIT = 4096
_SHARE_OF_MEMORY = 0.9
_NANO = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one container may take; None is as much as there is, or the engine's default. `cpus` may be a fraction."""

    memory_bytes: int | None = None
    cpus: float | None = None
    processes: int = PIDS_LIMIT
    open_files: int | None = None
    shared_memory_bytes: int | None = None

    def for_engine(self) -> dict[str, Any]:
        """The part of `HostConfig` that says so."""
        options: dict[str, Any] = {"PidsLimit": self.processes}
        if self.memory_bytes is not None:
            options |= {"Memory": self.memory_bytes, "MemorySwap": self.memory_bytes}
        if self.cpus is not None:
            options["NanoCpus"] = round(self.cpus * _NANO)
        if self.open_files is not None:
            options["Ulimits"] = [{"Name": "nofile", "Soft": self.open_files, "Hard": self.open_files}]
        if self.shared_memory_bytes is not None:
            options["ShmSize"] = self.shared_memory_bytes
        return options


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What there is for one container: the processors it may ask for, the memory it gets if it doesn't ask.

    None is what nobody knows, and then leaves to the engine.
    """

    cpus: int | None = None
    memory_bytes: int | None = None


NO_ALLOWANCE = Allowance()


def allowance_of(cpus: int, machine_bytes: int) -> Allowance:
    """What a machine with so many processors and so much memory has for one container. 0 is what isn't known."""
    return Allowance(cpus=cpus or None, memory_bytes=int(machine_bytes * _SHARE_OF_MEMORY) or None)


def limits_of(resources: Resources | None, allowance: Allowance) -> Limits:
    """What a step may take that asks for these resources. It gets no more processors than there are."""
    asked = resources or Resources()
    return Limits(
        memory_bytes=asked.memory or allowance.memory_bytes,
        cpus=min(asked.cpus, allowance.cpus or asked.cpus) if asked.cpus else None,
        processes=asked.pids or PIDS_LIMIT,
        shared_memory_bytes=asked.shm,
    )
