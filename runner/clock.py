"""The wall clock, in the one form that Records, the database and the API use."""

from datetime import UTC, datetime


def now() -> str:
    """The time as RFC 3339 in UTC with milliseconds: `2026-11-24T03:04:05.678Z`."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
