"""Signals: Ctrl-C and its kin become a Stop; a second one, an abort. One that we were started deaf to says nothing."""

import signal
import threading
from collections.abc import Mapping
from types import FrameType

from pipelines.status import Status
from runner.stop import Stop

Meanings = Mapping[signal.Signals, tuple[Status, str]]
"""What the work that a signal stops is to be called, and the reason."""


def stop_on(meanings: Meanings, stop: Stop, *, abort: Stop | None = None) -> None:
    """From now on the first of these signals requests `stop`, and any further one requests `abort`.

    A signal that is ignored stays so: whoever started us means us to live through it, as `nohup` does for a terminal
    that goes away, and a shell without job control for the Ctrl-C that is not for its background jobs.
    """

    def request(number: int, _frame: FrameType | None) -> None:
        target = abort if stop.requested and abort else stop
        # Not from within the handler: the thread it interrupts may hold the very lock that a callback wants.
        threading.Thread(target=target.request, args=meanings[signal.Signals(number)]).start()

    for each in meanings:
        if not is_ignored(each):
            signal.signal(each, request)


def is_ignored(number: signal.Signals) -> bool:
    """True if nobody hears of the signal."""
    return signal.getsignal(number) is signal.SIG_IGN
