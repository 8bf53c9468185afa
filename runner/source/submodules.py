"""Submodules: what a commit says of them, read as data and believed only as far as it is safe.

DESIGN. `git submodule` is never run: it takes commands and addresses from a file that anyone may have written.
`.gitmodules` is parsed by git as a blob, for names, paths and addresses only, and only a path that the commit itself
binds to another repository's commit counts.
"""

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from runner.errors import SourceError
from runner.source.addresses import checked_address
from runner.source.gitcommand import git
from runner.source.listing import Entry

_FILE = b".gitmodules"
_MOST_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Submodule:
    """A repository at a commit, to be put at `path`, relative to the one that names it."""

    name: str
    path: str
    url: str
    commit: str


def submodules_of(mirror: Path, entries: tuple[Entry, ...], *, origin: str) -> tuple[Submodule, ...]:
    """The submodules among a commit's entries, in a mirror of `origin`. Raises SourceError that names what is no use.

    An entry of `.gitmodules` whose path holds no submodule in this commit doesn't count.
    """
    links = {entry.path.decode(errors="replace"): entry.object for entry in entries if entry.is_submodule}
    file = next((entry for entry in entries if entry.path == _FILE and entry.is_file), None)
    if not links or file is None:
        return ()
    found = {}
    for name, values in _sections(mirror, file.object).items():
        path = values.get("path", "")
        if path in links and posixpath.normpath(path) == path:
            url = checked_address(values.get("url", ""), what=f"submodule {name!r}", origin=origin)
            found[path] = Submodule(name=name, path=path, url=url, commit=links[path])
    return tuple(found.values())


def _sections(mirror: Path, blob: str) -> Mapping[str, dict[str, str]]:
    """The variables of each section of `.gitmodules`, by the submodule's name."""
    size_bytes = int(git(mirror, "cat-file", "-s", blob))
    if size_bytes > _MOST_BYTES:
        raise SourceError(f".gitmodules has {size_bytes} bytes: at most {_MOST_BYTES} are read")
    listed = git(mirror, "config", "--no-includes", "--blob", blob, "--list", "-z")
    sections: dict[str, dict[str, str]] = {}
    for name, key, value in _variables(listed.decode("utf-8", "replace")):
        sections.setdefault(name, {})[key] = value
    return sections


def _variables(listed: str) -> Iterator[tuple[str, str, str]]:
    for variable in filter(None, listed.split("\0")):
        key, _, value = variable.partition("\n")
        section, _, rest = key.partition(".")
        name, _, last = rest.rpartition(".")
        if section == "submodule" and name:
            yield name, last, value
