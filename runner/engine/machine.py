"""Machine: one engine, with what all jobs on it share: its facts, the sandbox's image, how much starts at once."""

import threading
from ipaddress import IPv4Network

from runner.engine.client import Engine, EngineInfo
from runner.engine.sandbox import sandbox_image
from runner.once import Once


class Machine:
    """The machine behind an engine. Nothing is asked of it before it is needed, and nothing twice.

    `network_range` is where jobs' subnets are taken from. Each question raises BackendError that says what to do if
    there is no engine.
    """

    def __init__(self, engine: Engine, network_range: IPv4Network) -> None:
        self.engine = engine
        self.network_range = network_range
        self._info = Once(engine.info)
        self._sandbox_image = Once(lambda: sandbox_image(engine, self.info.architecture))
        self._starts = Once(lambda: threading.Semaphore(max(1, self.info.cpus) + 1))

    @property
    def info(self) -> EngineInfo:
        """Facts about the machine."""
        return self._info()

    @property
    def sandbox_image(self) -> str:
        """The sandbox's image, on the machine."""
        return self._sandbox_image()

    @property
    def starts(self) -> threading.Semaphore:
        """Held while a container starts. More at once make each of them slower.

        A third of a start is waiting for the disk, so with one more than processors none of these is idle.
        """
        return self._starts()
