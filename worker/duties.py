"""Duties: what a worker does, for the queue, which knows when."""

from collections.abc import Callable
from dataclasses import dataclass

Perform = Callable[[str], None]
"""Does the task with this id, to its end."""

Mourn = Callable[[str], None]
"""Does what is left to do for the task with this id, whose work horse was killed."""

Sweep = Callable[[], None]
"""Removes what killed processes have left in the engine."""

Announce = Callable[[str], None]
"""Says that the worker is there, and which task it does."""

Leave = Callable[[], None]
"""Says that the worker takes nothing any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duties:
    """What a worker does: tasks, and now and then, between them, a sweep. What they raise goes through.

    Every few seconds it announces itself, with the task that it does or `""`, and it leaves when it ends.
    """

    perform: Perform
    mourn: Mourn
    sweep: Sweep
    announce: Announce
    leave: Leave
