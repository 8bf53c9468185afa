"""Signals: Ctrl-C and its kin become a Stop; a second one, an abort."""

import signal
import threading
from collections.abc import Mapping
from types import FrameType

from pipelines.status import Status
from runner.stop import Stop

Meanings = Mapping[signal.Signals, tuple[Status, str]]
"""What the work that a signal stops is to be called, and the reason."""


def stop_on(meanings: Meanings, stop: Stop, *, abort: Stop | None = None) -> None:
    """From now on the first of these signals requests `stop`, and any further one requests `abort`."""

    def request(number: int, _frame: FrameType | None) -> None:
        target = abort if stop.requested and abort else stop
        # Not from within the handler: the thread it interrupts may hold the very lock that a callback wants.
        threading.Thread(target=target.request, args=meanings[signal.Signals(number)]).start()

    for each in meanings:
        signal.signal(each, request)
