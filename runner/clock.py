"""Time: the wall clock in the one form that Records, the database and the API use, and how long something took."""

import time
from datetime import UTC, datetime, timedelta


def now() -> str:
    """The time as RFC 3339 in UTC with milliseconds: `2026-11-24T03:04:05.678Z`."""
    return from_now(timedelta())


def from_now(distance: timedelta) -> str:
    """The time this far from now, or before it if the distance is negative, in the same form."""
    return (datetime.now(UTC) + distance).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds_since(began: float) -> int:
    """Whole milliseconds from a moment of the monotonic clock until now."""
    return round((time.monotonic() - began) * 1000)
