"""Machine: one engine, with what all jobs on it share: its facts, the sandbox's image, how much starts at once."""

import threading
from dataclasses import replace
from ipaddress import IPv4Network

from runner.engine.abilities import Abilities, tell_lacks
from runner.engine.client import Engine, EngineInfo
from runner.engine.limits import Allowance, allowance_of
from runner.engine.sandbox import sandbox_image
from runner.once import Once


class Machine:
    """The machine behind an engine. Nothing is asked of it before it is needed, and nothing twice.

    `network_range` is where jobs' subnets are taken from, `memory_bytes` what a step may take that doesn't say, nine
    tenths of the machine's if that is None. Each question raises BackendError that says what to do if
    there is no engine.
    """

    def __init__(self, engine: Engine, network_range: IPv4Network, *, memory_bytes: int | None = None) -> None:
        self.engine = engine
        self.abilities = Abilities(engine)
        self.network_range = network_range
        self._memory_bytes = memory_bytes
        self._info = Once(self._ask)
        self._sandbox_image = Once(lambda: sandbox_image(engine, self.info.architecture))
        self._starts = Once(lambda: threading.Semaphore(max(1, self.info.cpus) + 1))

    @property
    def info(self) -> EngineInfo:
        """Facts about the machine."""
        return self._info()

    def _ask(self) -> EngineInfo:
        info = self.engine.info()
        tell_lacks(info)
        return info

    @property
    def sandbox_image(self) -> str:
        """The sandbox's image, on the machine."""
        return self._sandbox_image()

    @property
    def allowance(self) -> Allowance:
        """What the machine has for each container."""
        there = allowance_of(self.info.cpus, self.info.memory_bytes)
        return replace(there, memory_bytes=self._memory_bytes) if self._memory_bytes else there

    @property
    def starts(self) -> threading.Semaphore:
        """Held while a container starts. More at once make each of them slower.

        A third of a start is waiting for the disk, so with one more than processors none of these is idle.
        """
        return self._starts()
