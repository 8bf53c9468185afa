"""Calls about the engine's machine."""

from runner.engine.answers import EngineInfo, EngineKind
from runner.engine.connection import Connection

_PODMANS_HEADER = "Libpod-API-Version"


def info(engine: Connection) -> EngineInfo:
    """Facts about the engine and its machine. The first call that tells whether there is an engine at all."""
    with engine.answer("tell about itself", "GET", "/info") as answer:
        kind = EngineKind.PODMAN if _PODMANS_HEADER in answer.headers else EngineKind.DOCKER
        found = answer.json()
    memory_bytes = found.get("MemTotal") or 0 if found.get("MemoryLimit", True) else 0
    return EngineInfo(kind=kind, architecture=found["Architecture"], cpus=found["NCPU"], memory_bytes=memory_bytes)
