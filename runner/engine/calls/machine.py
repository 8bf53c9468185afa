"""Calls about the engine's machine."""

from collections.abc import Iterator, Mapping
from typing import Any

from runner.engine.answers import EngineInfo, EngineKind, Restriction
from runner.engine.connection import Connection

_PODMANS_HEADER = "Libpod-API-Version"
_SAYS = {
    "MemoryLimit": Restriction.MEMORY,
    "PidsLimit": Restriction.PROCESSES,
    "CpuCfsQuota": Restriction.PROCESSORS,
}


def info(engine: Connection) -> EngineInfo:
    """Facts about the engine and its machine. The first call that tells whether there is an engine at all."""
    with engine.answer("tell about itself", "GET", "/info") as answer:
        kind = EngineKind.PODMAN if _PODMANS_HEADER in answer.headers else EngineKind.DOCKER
        found = answer.json()
    return facts(kind, found)


def facts(kind: EngineKind, found: Mapping[str, Any]) -> EngineInfo:
    """What the answer of an engine means. What it doesn't speak of, it can."""
    memory_bytes = found.get("MemTotal") or 0 if found.get("MemoryLimit", True) else 0
    return EngineInfo(
        kind=kind,
        architecture=found["Architecture"],
        cpus=found["NCPU"],
        memory_bytes=memory_bytes,
        lacks=tuple(_lacks(found)),
    )


def _lacks(found: Mapping[str, Any]) -> Iterator[Restriction]:
    for name, restriction in _SAYS.items():
        if not found.get(name, True):
            yield restriction
    security = found.get("SecurityOptions")
    if security is not None and not any("seccomp" in option for option in security):
        yield Restriction.SYSTEM_CALLS
