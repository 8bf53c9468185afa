"""Forms: what settings of several kinds make of their text. Each raises ValueError for text that it can't use."""

import re
from pathlib import Path

_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_SIZE = re.compile(r"(\d{1,15})\s*(?:([kmg])(?:i?b)?)?", re.IGNORECASE)


def number(text: str) -> float:
    """A number above 0."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError(text)
    return value


def size_bytes(text: str) -> int:
    """A size in bytes, or with a unit of 1024: `256 MiB`, `64k`; above 0."""
    size = _SIZE.fullmatch(text.strip())
    if size is None or not int(size[1]):
        raise ValueError(text)
    return int(size[1]) * _UNITS[(size[2] or "").lower()]


def directory(text: str) -> Path:
    """An absolute path; `~` is the user's home."""
    return Path(text).expanduser().absolute()


def web_address(text: str) -> str:
    """`http://…` or `https://…`, without a final slash."""
    if not text.startswith(("http://", "https://")):
        raise ValueError(text)
    return text.rstrip("/")
