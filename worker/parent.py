"""Parents: a process that hears when the one that started it dies, however that dies."""

import ctypes
import signal
import sys

_PR_SET_PDEATHSIG, _PR_GET_PDEATHSIG = 1, 2


def signal_when_parent_dies(number: signal.Signals) -> None:
    """Have the kernel send this process the signal when its parent is gone. Linux only; elsewhere nothing happens.

    Who has started it may have asked for another one (`setpriv --pdeathsig`): then that comes.
    """
    if sys.platform == "linux":
        asked, prctl = ctypes.c_int(), ctypes.CDLL(None).prctl
        prctl(_PR_GET_PDEATHSIG, ctypes.byref(asked), 0, 0, 0)
        if not asked.value:
            prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
