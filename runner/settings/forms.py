"""Forms: what settings of several kinds make of their text. Each raises ValueError for text that it can't use."""

import re
from ipaddress import IPv4Network
from pathlib import Path
from urllib.parse import urlsplit

_LARGEST = 1e9
_JOB_PREFIX = 28
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_SIZE = re.compile(r"(\d{1,15})\s*(?:([kmg])(?:i?b)?)?", re.IGNORECASE)


def number(text: str) -> float:
    """A number above 0, and such that seconds or pieces can be counted by it."""
    value = float(text)
    if not 0 < value <= _LARGEST:
        raise ValueError(text)
    return value


def size_bytes(text: str) -> int:
    """A size in bytes, or with a unit of 1024: `256 MiB`, `64k`; above 0."""
    size = _SIZE.fullmatch(text.strip())
    if size is None or not int(size[1]):
        raise ValueError(text)
    return int(size[1]) * _UNITS[(size[2] or "").lower()]


def network_range(text: str) -> IPv4Network:
    """A network with room for that of one job at least, a /28."""
    found = IPv4Network(text)
    if found.prefixlen > _JOB_PREFIX:
        raise ValueError(text)
    return found


def directory(text: str) -> Path:
    """An absolute path; `~` is the user's home."""
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:  # there is no such user
        raise ValueError(text) from error


def web_address(text: str) -> str:
    """`http://…` or `https://…`, without a final slash."""
    parts = urlsplit(text)
    is_whole = parts.scheme in ("http", "https") and parts.hostname and not parts.query and not parts.fragment
    if not is_whole or not text.isprintable() or " " in text:
        raise ValueError(text)
    return text.rstrip("/")
