"""Submodules: what a commit says of them, read as data and believed only as far as it is safe.

DESIGN. `git submodule` is never run: it takes commands and addresses from a file that anyone may have written.
`.gitmodules` is parsed by git as a blob, for names, paths and addresses only. A submodule of the same owner on the
same forge is fetched with the same credentials as the repository. Any other is fetched without, over https: else a
workflow could read whatever this machine may read.
"""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runner.errors import SourceError
from runner.source.fetch import ANONYMOUS, WITH_CREDENTIALS, Access
from runner.source.gitcommand import git
from runner.source.remotes import repository_of

_FILE = ".gitmodules"
_GITLINK = "160000"
_ADDRESS = re.compile(r"(https?|ssh|git)://[^\s-][^\s]*|[A-Za-z0-9_][\w.-]*@[A-Za-z0-9][\w.-]*:[^\s-][^\s]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Submodule:
    """A repository at a commit, to be put at `path`, relative to the one that names it."""

    name: str
    path: str
    url: str
    commit: str


def submodules_of(mirror: Path, commit: str, *, origin: str) -> tuple[Submodule, ...]:
    """The submodules of a commit in a mirror of `origin`. Raises SourceError that names what can't be used.

    An entry of `.gitmodules` whose path holds no submodule in this commit doesn't count.
    """
    found = []
    for name, values in _entries(mirror, commit).items():
        path = values.get("path", "")
        link = _link_at(mirror, commit, path)
        if link:
            url = _address(values.get("url", ""), origin, name)
            found.append(Submodule(name=name, path=path, url=url, commit=link))
    return tuple(found)


def access_to(url: str, *, origin: str, access: Access) -> Access:
    """In whose name a submodule at `url` is fetched, of a repository at `origin` that was fetched so."""
    theirs, ours = repository_of(url), repository_of(origin)
    is_sibling = bool(ours.forge) and (theirs.forge, theirs.owner) == (ours.forge, ours.owner)
    return WITH_CREDENTIALS if is_sibling and access is WITH_CREDENTIALS else ANONYMOUS


def _entries(mirror: Path, commit: str) -> dict[str, dict[str, str]]:
    """The variables of each section of `.gitmodules`, by the submodule's name."""
    if not git(mirror, "ls-tree", "-z", commit, "--", _FILE).startswith(b"100"):
        return {}
    listed = git(mirror, "config", "--blob", f"{commit}:{_FILE}", "--list", "-z")
    entries: dict[str, dict[str, str]] = {}
    for name, key, value in _variables(listed.decode("utf-8", "replace")):
        entries.setdefault(name, {})[key] = value
    return entries


def _variables(listed: str) -> Iterator[tuple[str, str, str]]:
    for variable in filter(None, listed.split("\0")):
        key, _, value = variable.partition("\n")
        section, _, rest = key.partition(".")
        name, _, last = rest.rpartition(".")
        if section == "submodule" and name:
            yield name, last, value


def _link_at(mirror: Path, commit: str, path: str) -> str:
    """The commit that a path is bound to, or `""` if no submodule is there."""
    if not path or posixpath.normpath(path) != path or path.startswith(("/", "..", ":")):
        return ""
    listed = git(mirror, "ls-tree", "-z", "--full-tree", commit, "--", path).decode(errors="replace")
    mode, _, rest = listed.partition(" ")
    return rest.split("\t")[0].removeprefix("commit ") if mode == _GITLINK else ""


def _address(url: str, origin: str, name: str) -> str:
    address = _resolved(url, origin) if url.startswith(("./", "../")) else url
    if not _ADDRESS.fullmatch(address):
        raise SourceError(f"submodule {name!r} is at {url!r}: expected an https or ssh address, or a relative one")
    return address


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
