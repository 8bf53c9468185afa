"""Passwords: what is kept of them, and whether one is right.

SECURITY. Argon2id with OWASP's parameters (19 MiB, 2 passes) and a salt of its own each. An account that doesn't exist
costs as much time as one that does. Whoever calls these for strangers bounds how many run at a time.
"""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from worker.errors import Malformed

SHORTEST, _LONGEST = 10, 1000
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_NOBODYS = _HASHER.hash("nobody's password, which no account has")


def hashed(password: str) -> str:
    """What to keep of a new password. Raises Malformed if it is too short, or absurdly long."""
    if not SHORTEST <= len(password) <= _LONGEST:
        raise Malformed(f"a password has {SHORTEST} to {_LONGEST} characters")
    return _HASHER.hash(_as_bytes(password))


def is_right(password: str, kept: str | None) -> bool:
    """True if it is the password of which `kept` was kept. Without one, it takes as long and is False."""
    try:
        _HASHER.verify(kept or _NOBODYS, _as_bytes(password[:_LONGEST]))
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None


def is_outdated(kept: str) -> bool:
    """True if it was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(kept)


def _as_bytes(password: str) -> bytes:
    return password.encode("utf-8", "replace")
