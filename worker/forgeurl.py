"""A forge's address, as somebody gives it, and what is to be said of one."""

import re
from urllib.parse import urlsplit

from worker.errors import Malformed

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_HOST = r"([A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?|\[[0-9a-fA-F:]{2,45}\])"
FORGE_URL_PATTERN = rf"https?://{_HOST}(:[0-9]{{1,5}})?(/[A-Za-z0-9._~/-]{{0,300}})?"


def checked_forge_url(text: str) -> str:
    """The address without a final slash; `""` stays so. Raises Malformed, which shows no password."""
    if text and not re.fullmatch(FORGE_URL_PATTERN, text):
        raise Malformed("the forge's URL can't be used: expected https://HOST, such as https://git.example.org")
    return text.rstrip("/")


def clear_text_warning(url: str) -> str:
    """What whoever has a token sent to this address should know, or `""`."""
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname in _LOOPBACK:
        return ""
    return f"whoever is on the way to {parts.hostname} can read the token: https would hide it"
