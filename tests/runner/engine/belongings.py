"""What the engine holds of a run: all of it, the containers of its steps, and those of its lanes."""

import os

from runner.engine.client import Engine, Labelled
from runner.engine.ownership import HOST, PROCESS, ROLE, RUN, SANDBOX, this_process

OURS = f"of-{os.getpid()}-{this_process().host}"
"""A host that nobody else is on: other suites and installations may sweep this engine at any moment."""


def left(engine: Engine, run: str) -> list[str]:
    """What the engine still holds of a run. Another suite may have one of the same name."""
    label = f"{RUN}={run}"
    found = [*engine.containers(label), *engine.networks(label), *engine.volumes(label)]
    return [each.name for each in found if is_ours(each)]


def held(engine: Engine, run: str) -> list[str]:
    """The containers of steps that run or wait for their turn."""
    return [each.name for each in engine.containers(f"{RUN}={run}") if ROLE not in each.labels and is_ours(each)]


def sandboxes(engine: Engine, run: str) -> list[str]:
    """The containers that hold the networks of a run's lanes."""
    return [
        each.name for each in engine.containers(f"{RUN}={run}") if each.labels.get(ROLE) == SANDBOX and is_ours(each)
    ]


def is_ours(thing: Labelled) -> bool:
    """True if this process has made it, or one that it has started."""
    return thing.labels[PROCESS] == this_process().process or thing.labels[HOST].endswith(OURS)
