"""Calls about the engine's machine."""

from runner.engine.answers import EngineInfo
from runner.engine.connection import Connection


def info(engine: Connection) -> EngineInfo:
    """Facts about the engine's machine. The first call that tells whether there is an engine at all."""
    with engine.call("tell about itself") as client:
        answer = client.info()
    memory_bytes = answer.get("MemTotal") or 0 if answer.get("MemoryLimit", True) else 0
    return EngineInfo(architecture=answer["Architecture"], cpus=answer["NCPU"], memory_bytes=memory_bytes)
