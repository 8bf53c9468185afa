"""Keys: what sessions, tokens and set-up links are made of.

SECURITY. A key is 256 random bits, and whoever has it is let in. The database has only its SHA-256, so that nobody who
reads the database, or a backup of it, has a key. A plain digest will do where nothing can be guessed; passwords, which
can, are in passwords.py. Keys are looked up by their digest, so that the time it takes tells nothing of a key.
"""

import hashlib
import secrets

_BYTES = 32
TOKEN_PREFIX = "hrt_"  # noqa: S105 -- a mark, by which scanners of repositories find tokens that were committed


def new_key(prefix: str = "") -> str:
    """A new key: the prefix, and 43 letters, digits, `-` and `_`."""
    return prefix + secrets.token_urlsafe(_BYTES)


def digest(key: str) -> str:
    """What is kept of a key: its SHA-256 in hex."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def setup_url(server_url: str, key: str) -> str:
    """The link that an invitation's key belongs to."""
    return f"{server_url}/setup?key={key}"
