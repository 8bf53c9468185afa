"""What the address of a git remote says about its repository: forge, owner and name. It never keeps a password."""

import re
from pathlib import PurePath
from urllib.parse import SplitResult, urlsplit

from pipelines.event import Repository

_SCP_LIKE = re.compile(r"(?:[^@/\s]+@)?(?P<host>[^:/\s@]{2,}):(?!//)(?P<path>.+)")
_SSH_SCHEMES = frozenset({"ssh", "git+ssh", "ssh+git"})
_NETWORK_SCHEMES = frozenset({"http", "https", "ssh", "git", "git+ssh", "ssh+git"})


def repository_of(remote_url: str) -> Repository:
    """The repository behind an https, ssh, scp-like (`git@host:owner/name.git`) or local address.

    An owner may have several segments (`group/subgroup`); a local path gives a name alone.
    """
    if not remote_url:
        return Repository()
    url = _split(remote_url)
    if url is not None and url.scheme in _NETWORK_SCHEMES and url.hostname:
        return _from_url(url)
    scp_like = _SCP_LIKE.fullmatch(remote_url)
    if scp_like:
        return _named(scp_like["path"], forge=scp_like["host"].lower(), clone_url=remote_url)
    return Repository(name=_without_git(PurePath(remote_url).name), clone_url=remote_url)


def likely_page(repository: Repository) -> str:
    """Where the forge of a repository with an ssh address most likely shows it; `""` if it has no forge to ask.

    A host without a dot is a name that this machine alone knows, and a path from the root is no forge's.
    """
    url = _split(repository.clone_url)
    path = url.path if url is not None and url.scheme in _SSH_SCHEMES else _scp_path(repository.clone_url)
    is_a_forge_s = "." in repository.forge and repository.owner and not path.startswith(("//", "/~", "~"))
    return f"https://{repository.forge}/{repository.full_name}" if path and is_a_forge_s else ""


def _scp_path(address: str) -> str:
    """The path of `git@host:owner/name.git`, `""` for any other address. One from the root begins with two slashes."""
    found = _SCP_LIKE.fullmatch(address)
    return f"/{found['path']}" if found else ""


def _from_url(url: SplitResult) -> Repository:
    host = url.netloc.rpartition("@")[2]
    # A user in front of an ssh host is an account everyone shares; with http it may be a token.
    user = f"{url.username}@" if url.username and not url.scheme.startswith("http") else ""
    clone_url = url._replace(netloc=user + host, query="", fragment="").geturl()
    page = f"{url.scheme}://{host}/{_without_git(url.path.strip('/'))}" if url.scheme.startswith("http") else ""
    return _named(url.path, forge=url.hostname or "", clone_url=clone_url, url=page)


def _named(path: str, *, forge: str, clone_url: str, url: str = "") -> Repository:
    owner, _, name = _without_git(path.strip("/")).rpartition("/")
    return Repository(owner=owner, name=name, forge=forge, clone_url=clone_url, url=url)


def _split(address: str) -> SplitResult | None:
    try:
        return urlsplit(address)
    except ValueError:
        return None


def _without_git(name: str) -> str:
    return name.removesuffix(".git")
