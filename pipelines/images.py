"""Images: what the name of one may look like, and whether it is one that an administrator's list names."""

import re

_HOST = r"(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?/"
_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_TAG = r":\w[\w.-]{0,127}"
_DIGEST = r"@[\w.+-]+:[0-9A-Fa-f]{32,}"
_REFERENCE = re.compile(rf"(?:{_HOST})?{_PART}(?:/{_PART})*(?:{_TAG})?(?:{_DIGEST})?", re.ASCII)
_LONGEST = 600
_HUB = ("docker.io/", "index.docker.io/", "library/")


def is_reference(image: str) -> bool:
    """True if an engine would take this for the name of an image."""
    return len(image) <= _LONGEST and _REFERENCE.fullmatch(image) is not None


def is_image(image: str, allowed: str) -> bool:
    """True if an image is the one that a list allows: of any tag or digest, unless the list names one."""
    image, allowed = _short(image), _short(allowed)
    return image == allowed or _untagged(image) == allowed


def _short(image: str) -> str:
    for prefix in _HUB:
        image = image.removeprefix(prefix)
    return image


def _untagged(image: str) -> str:
    """The image's name without tag and digest. A colon before a slash is a registry's port."""
    name = image.partition("@")[0]
    head, colon, tag = name.rpartition(":")
    return head if colon and "/" not in tag else name
