"""A lock on an open file, for one process at a time: the kernel gives it back when its last holder ends."""

import fcntl


def take(descriptor: int) -> bool:
    """Take the lock of an open file, without waiting; False if somebody else has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
