"""Memory: whether it ran out, where the engine says so later than that a container has ended.

DESIGN. The kernel tells an engine of a container's end and of a process it has killed for want of memory in two ways,
and a busy engine may hear of the second up to seconds after the first. To wait for that at each end would be felt at
each; so it is done only where the exit code, or what the program printed last, says that something was killed, until
the flag is there or a little time has passed. Neither says why: that is for the flag alone.
"""

import re
import time
from contextlib import suppress
from typing import Protocol

from runner.engine.client import ContainerState
from runner.errors import BackendError
from runner.stop import Stop

LATEST_SECONDS = 3.0
_FIRST_PAUSE_SECONDS = 0.02
_LONGEST_PAUSE_SECONDS = 0.3
_KILLED = 128 + 9
_SIGNS = re.compile(rb"\bKilled\b|signal: killed|\bSIGKILL\b|\bsignal 9\b|\b137\b")
"""What shells, make, compilers, Go and Python print of a program of theirs that was killed."""


class Teller(Protocol):
    """What knows containers: an Engine."""

    def state(self, container: str, /) -> ContainerState:
        """Where the container stands. Raises BackendError."""


def final_state(engine: Teller, container: str, state: ContainerState, last_words: bytes, stop: Stop) -> ContainerState:
    """The state of a container that has ended, with the flag for memory that ran out, should that come late.

    `last_words` are the end of its output. A `stop` ends the waiting. Raises nothing: an engine that doesn't answer
    has nothing to add.
    """
    ends, pause = time.monotonic() + LATEST_SECONDS, _FIRST_PAUSE_SECONDS
    with suppress(BackendError):
        while _may_be_late(state, last_words) and time.monotonic() < ends and not stop.wait(pause):
            state = engine.state(container)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
    return state


def _may_be_late(state: ContainerState, last_words: bytes) -> bool:
    was_killed = state.exit_code == _KILLED or bool(_SIGNS.search(last_words))
    return was_killed and not state.out_of_memory
