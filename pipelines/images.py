"""Images: whether a step's image is one that an administrator's list names."""

_HUB = ("docker.io/", "index.docker.io/", "library/")


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
