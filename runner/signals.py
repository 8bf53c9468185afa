"""Signals: Ctrl-C and its kin become a Stop; a second one, an abort. One that we were started deaf to says nothing.

DESIGN. What a stop sets going takes locks and starts threads. Within a signal's handler neither may be done: the code
that it interrupts may hold the very lock, also one of Python's own that a new thread wants before it says that it has
begun. So the handler does nothing; the kernel's news goes down a pipe, which a thread reads.
"""

import os
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
    listened = [each for each in meanings if not is_ignored(each)]
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for each in listened:
        signal.signal(each, _leave_it_to_the_reader)

    def read() -> None:
        is_first = True
        while number := os.read(reader, 1):
            if number[0] in listened:
                target = stop if abort is None or (is_first and not stop.requested) else abort
                is_first = False
                threading.Thread(target=target.request, args=meanings[signal.Signals(number[0])]).start()

    threading.Thread(target=read, name="signals", daemon=True).start()


def _leave_it_to_the_reader(_number: int, _frame: FrameType | None) -> None:
    """Nothing: but without a handler there is no news."""


def is_ignored(number: signal.Signals) -> bool:
    """True if nobody hears of the signal."""
    return signal.getsignal(number) is signal.SIG_IGN
