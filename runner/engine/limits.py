"""Limits: how much of the machine one container may take, as the engine's API has it. Pure.

Memory and memory with swap are the same number, so that a step that needs more ends instead of dragging the machine
down; an engine whose kernel doesn't count swap (cgroup v1 without `swapaccount=1`) limits memory alone. Open files are
limited only when asked for: an engine can't give more than it has itself, and Podman forgets what it has been
configured with as soon as it is asked for any limit of that kind.
"""

from dataclasses import dataclass
from typing import Any

PIDS_LIMIT = 4096
_NANO = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one container may take; None is as much as there is. `cpus` may be a fraction."""

    memory_bytes: int | None = None
    cpus: float | None = None
    processes: int = PIDS_LIMIT
    open_files: int | None = None

    def for_engine(self) -> dict[str, Any]:
        """The part of `HostConfig` that says so."""
        options: dict[str, Any] = {"PidsLimit": self.processes}
        if self.memory_bytes is not None:
            options |= {"Memory": self.memory_bytes, "MemorySwap": self.memory_bytes}
        if self.cpus is not None:
            options["NanoCpus"] = round(self.cpus * _NANO)
        if self.open_files is not None:
            options["Ulimits"] = [{"Name": "nofile", "Soft": self.open_files, "Hard": self.open_files}]
        return options
