"""Signals: Ctrl-C and its kin become a Stop; a second one, an abort."""

import signal
import threading
from collections.abc import Callable
from types import FrameType

from pipelines.status import Status
from runner.stop import Stop

Why = Callable[[], tuple[Status, str]]
"""What the stopped work is to be called, and the reason; asked when the signal comes."""


def stop_on(signals: tuple[signal.Signals, ...], stop: Stop, *, why: Why, abort: Stop | None = None) -> None:
    """From now on the first of these signals requests `stop`, and any further one requests `abort`."""

    def request(_number: int, _frame: FrameType | None) -> None:
        target = abort if stop.requested and abort else stop
        # Not from within the handler: the thread it interrupts may hold the very lock that a callback wants.
        threading.Thread(target=target.request, args=why()).start()

    for number in signals:
        signal.signal(number, request)
