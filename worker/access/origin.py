"""Origin: whether a request comes from a page of ours, and where a page may send its reader on to.

SECURITY. A browser adds our cookie to what any page makes it send. So whatever changes something by the right of a
cookie must come from a page of ours, and a browser says where from: in `Sec-Fetch-Site`, which no page can set, or,
where the connection is not secure, in `Origin`. Neither given is refused: every browser gives one of them with a POST.
Requests with a token need no such proof, because no browser adds a token by itself.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def is_own_page(headers: Headers, server_url: str) -> bool:
    """True if the browser says that a page of this server sent the request."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin")
    return origin is not None and _is_ours(origin, headers.get("host", ""), server_url)


def safe_path(text: str) -> str:
    """The path to go on to, if it is one of this server's; else `/`.

    Browsers take `//host`, `/\\host` and either with tabs or newlines in between for another server's address.
    """
    is_plain = text.isprintable() and text.isascii() and not set(text) & set(' \\"<>')
    parts = urlsplit(text) if is_plain and text.startswith("/") and not text.startswith("//") else None
    return text if parts and not parts.scheme and not parts.netloc else "/"


def _is_ours(origin: str, host: str, server_url: str) -> bool:
    ours = urlsplit(server_url)
    given = urlsplit(origin)
    return origin == f"{ours.scheme}://{ours.netloc}" or (given.scheme in ("http", "https") and given.netloc == host)
