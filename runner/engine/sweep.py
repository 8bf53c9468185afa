"""Sweep: removes what processes of this host left in the engine when they were killed.

DESIGN. What such a process had started (git, a stream that the engine unpacks) may write into a volume for a moment
more, and an engine can't remove a directory that fills up meanwhile: it says 500. So that is tried again, for as long
as git takes to notice that nobody reads it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from runner.engine.client import Engine, EngineRefusal, Labelled
from runner.engine.ownership import ROLE, RUN, SANDBOX, is_left_behind
from runner.errors import BackendError

STILL_IN_USE = (403, 409)
"""What engines answer when a network or volume is to be removed whose last container is on its way out."""

_STILL_WRITTEN_TO = 500
_TRIES, _PAUSE_SECONDS = 30, 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What was removed."""

    containers: int
    networks: int
    volumes: int

    @property
    def total(self) -> int:
        """How many things in all."""
        return self.containers + self.networks + self.volumes


def sweep(engine: Engine, host: str) -> Swept:
    """Remove what bears our labels, was made on `host` and whose process has ended. Nothing else is touched.

    What can't be removed, say a network that a foreign container has joined, is left for the next time. Raises
    BackendError if the engine doesn't answer.
    """
    return remove(engine, lambda each: is_left_behind(each.labels, host))


def remove(engine: Engine, chosen: Callable[[Labelled], bool]) -> Swept:
    """Remove what bears our labels and is chosen: containers first, sandboxes last of them, then what they used."""
    containers = sorted(engine.containers(RUN), key=lambda each: each.labels.get(ROLE) == SANDBOX)
    return Swept(
        containers=_remove_each(containers, chosen, engine.remove_container),
        networks=_remove_each(engine.networks(RUN), chosen, engine.remove_network),
        volumes=_remove_each(engine.volumes(RUN), chosen, partial(_remove_volume, engine)),
    )


def _remove_each(found: list[Labelled], chosen: Callable[[Labelled], bool], remove_one: Callable[[str], None]) -> int:
    count = 0
    for each in found:
        if chosen(each):
            try:
                remove_one(each.name)
            except BackendError:
                continue
            count += 1
    return count


def _remove_volume(engine: Engine, name: str) -> None:
    for _ in range(_TRIES - 1):
        try:
            return engine.remove_volume(name)
        except EngineRefusal as refusal:
            if refusal.status != _STILL_WRITTEN_TO:
                raise
        time.sleep(_PAUSE_SECONDS)
    return engine.remove_volume(name)
