"""File names for authors' text: job and step names hold anything, and none of it may leave a directory of ours."""

import hashlib
import re

_LONGEST = 120
_PLAIN = re.compile(r"[a-z0-9_-]")


def file_name(text: str) -> str:
    """A file name for `text`, one to one, of at most 120 plain characters.

    Everything but `a-z 0-9 _ -` becomes `%` and two hex digits a byte, capitals too, so that names which differ only
    in case stay apart on every file system. Long names end in a hash of the whole.
    """
    encoded = "".join(c if _PLAIN.fullmatch(c) else _percent(c) for c in text) or "%"
    if len(encoded) <= _LONGEST:
        return encoded
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"{encoded[: _LONGEST - 34]}%%{digest}"


def container_name_part(text: str) -> str:
    """The part of `text` that may stand in a container's name, for people who read `docker ps`. Not unique."""
    return re.sub(r"[^a-zA-Z0-9_.-]+", "-", text)[:40].strip("-.") or "step"


def _percent(character: str) -> str:
    return "".join(f"%{byte:02x}" for byte in character.encode("utf-8", "surrogatepass"))
