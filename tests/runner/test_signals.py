"""A signal becomes a Stop, whatever the thread that it interrupts is doing."""

import os
import signal
import subprocess
import sys

import pytest

PROGRAM = """
import signal, sys, threading
from pipelines.status import Status
from runner.signals import stop_on
from runner.stop import Stop

stop, abort = Stop(), Stop()
stop_on(dict.fromkeys((signal.SIGTERM, signal.SIGINT), (Status.CANCELLED, "told to")), stop, abort=abort)
DO
print(stop.status, stop.reason, abort.requested)
"""
ONCE = """
signal.raise_signal(signal.SIGTERM)
stop.wait()
"""
TWICE = """
signal.raise_signal(signal.SIGTERM)
signal.raise_signal(signal.SIGINT)
abort.wait()
"""
IN_A_LOCK_OF_PYTHONS_OWN = """
with getattr(threading, "_shutdown_locks_lock", threading._active_limbo_lock):  # before 3.13 it has the first
    signal.raise_signal(signal.SIGTERM)
stop.wait()
"""
IGNORED = """
signal.raise_signal(signal.SIGINT)
signal.raise_signal(signal.SIGTERM)
stop.wait()
"""


@pytest.mark.parametrize(
    ("deed", "aborted"),
    [(ONCE, False), (TWICE, True), (IN_A_LOCK_OF_PYTHONS_OWN, False)],
    ids=["once", "twice", "in a lock of Python's own"],
)
def test_first_signal_is_a_stop_and_the_next_an_abort(deed: str, aborted: bool) -> None:  # noqa: FBT001 - what comes of it
    assert told(deed) == f"cancelled told to {aborted}\n"


def test_signal_that_was_ignored_from_the_start_is_not_even_the_first() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert told(IGNORED) == "cancelled told to False\n"
    finally:
        signal.signal(signal.SIGINT, before)


def told(deed: str) -> str:
    """What a process prints that does this to itself."""
    command = [sys.executable, "-c", PROGRAM.replace("DO", deed)]
    return subprocess.run(command, env=os.environ, check=True, capture_output=True, text=True, timeout=120).stdout
