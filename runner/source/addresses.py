"""Addresses that an author wrote: of submodules, of a `remote`, of a store of large files. Read, checked, and judged.

DESIGN. A worker may read more than the author of a commit, so an address in a commit must not be followed with the
worker's credentials wherever it leads. One of the same owner on the same forge is read as the repository itself is;
any other without credentials, over https. Addresses of this machine's disk, of helper programs (`ext::`) and those
that would be taken for options are none.
"""

import re
from urllib.parse import SplitResult, urlsplit

from runner.errors import SourceError
from runner.source.access import ANONYMOUS, Access
from runner.source.remotes import repository_of

_ADDRESS = re.compile(r"(https?|ssh|git)://[^\s-][^\s]*|[A-Za-z0-9_][\w.-]*@[A-Za-z0-9][\w.-]*:[^\s-][^\s]*")
_WEB = ("http", "https")
_EXPECTED = "expected an https or ssh address"


def checked_address(url: str, *, what: str, origin: str = "") -> str:
    """The address, one that is relative to `origin` made absolute. `what` names its place for the SourceError."""
    is_relative = bool(origin) and url.startswith(("./", "../"))
    address = _resolved(url, origin) if is_relative else url
    if not _ADDRESS.fullmatch(address) or "@-" in address:
        raise SourceError(f"{what} is at {url!r}: {_EXPECTED}{', or a relative one' if origin else ''}")
    return address


def access_to(url: str, *, origin: str, access: Access) -> Access:
    """In whose name `url` is read for a repository at `origin`, which is read by this `access`."""
    is_sibling = repository_of(url).owner == repository_of(origin).owner
    return access if is_sibling and _is_on_same_forge(url, origin) else ANONYMOUS


def access_below(url: str, *, origin: str, access: Access) -> Access:
    """The same for an address below that of one of the owner's repositories, such as a store of large files."""
    owner, path = repository_of(origin).owner, urlsplit(url).path
    is_below = bool(owner) and path.startswith(f"/{owner}/") and "/../" not in path
    return access if is_below and _is_on_same_forge(url, origin) else ANONYMOUS


def _is_on_same_forge(url: str, origin: str) -> bool:
    """True if the host is the same, of two web addresses also the port, and nothing goes in the clear anew."""
    theirs, ours = urlsplit(url), urlsplit(origin)
    if theirs.scheme in ("http", "git") and ours.scheme != theirs.scheme:
        return False
    if theirs.scheme in _WEB and ours.scheme in _WEB:
        return _host_and_port(theirs) == _host_and_port(ours)
    forge = repository_of(origin).forge
    return bool(forge) and repository_of(url).forge == forge


def _host_and_port(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2].lower()


def _resolved(url: str, origin: str) -> str:
    """A relative address, as git reads it: each `../` takes one part off the origin's."""
    base = origin.rstrip("/")
    while url.startswith(("./", "../")):
        if url.startswith("../"):
            cut = max(base.rfind("/"), base.rfind(":"))
            base, joint = base[: max(cut, 0)], base[cut : cut + 1]
            url = url[3:]
            if joint == ":":
                return f"{base}:{url}"
        else:
            url = url[2:]
    return f"{base}/{url}"
