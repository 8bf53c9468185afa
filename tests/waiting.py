"""Waiting for a condition, with a deadline, instead of sleeping and hoping."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE_SECONDS = 60.0
"""How long to wait for what takes a moment: enough for a machine ten times as slow, busy with other things."""

_SHORTEST_PAUSE_SECONDS = 0.001  # much of what is waited for, a server above all, is there within milliseconds
_LONGEST_PAUSE_SECONDS = 0.02


def wait_until(condition: Callable[[], T], *, seconds: float = PATIENCE_SECONDS, what: str = "") -> T:
    """What `condition` gives as soon as that is true; fails if it isn't within the time."""
    deadline = time.monotonic() + seconds
    pause_seconds = _SHORTEST_PAUSE_SECONDS
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what or condition}"
        time.sleep(pause_seconds)
        pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)
