"""Run ids: unique without asking anyone, and sorted by time (the ULID form)."""

import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, in lower case

RUN_ID_PATTERN = f"[{_ALPHABET}]{{26}}"
"""What they all look like."""


def new_run_id() -> str:
    """26 characters: 48 bits of milliseconds, then 80 random bits."""
    number = time.time_ns() // 1_000_000 << 80 | secrets.randbits(80)
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))
