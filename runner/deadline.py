"""Deadlines: a Stop that is asked for when time is up."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer

from pipelines.status import Status
from runner.stop import Stop


@contextmanager
def deadline(stop: Stop, limit_seconds: float | None, reason: str) -> Iterator[None]:
    """Within the block, request `stop` as *timed_out* once this many seconds have passed; None is no limit."""
    if limit_seconds is None:
        yield
        return
    timer = Timer(limit_seconds, stop.request, (Status.TIMED_OUT, reason))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def limit_text(limit_seconds: float) -> str:
    """A limit for people: `90 s`, `10 min`, `1.5 h`."""
    for unit, seconds in (("h", 3600), ("min", 60)):
        if limit_seconds >= 2 * seconds or limit_seconds == seconds:
            return (
                f"{limit_seconds / seconds:g} {unit}" if limit_seconds % (seconds / 2) == 0 else f"{limit_seconds:g} s"
            )
    return f"{limit_seconds:g} s"
