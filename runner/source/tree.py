"""The tree that a job's workspace is filled with: a commit's files and a `.git`, as one tar stream from mirrors.

DESIGN. The files of a repository go straight from its mirror into the stream, while its `.git` is made beside them on
disk and follows; then come large files, which take the places of their pointers, and then submodules, in the order in
which they are found, theirs after them. Whatever could make the stream unsafe to unpack is looked at before its first
byte.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pipelines.event import Event, Repository
from runner.errors import SourceError
from runner.scratch import scratch_directory
from runner.source.addresses import access_to
from runner.source.archive import archive
from runner.source.clonesettings import DEFAULT_CLONE, CloneSettings
from runner.source.fetch import fetch_tags, retried
from runner.source.gitcommand import git
from runner.source.gitdirectory import Revision, make_git_directory
from runner.source.index import fill_index
from runner.source.lfs import large_file_members, large_files
from runner.source.mirror import Mirror
from runner.source.mirrors import fetched, locked, noting_damage
from runner.source.submodules import Submodule, submodules_of
from runner.source.tarstream import END, every_file, tar_members

_DEEPEST = 8  # submodules of submodules
_MOST_REPOSITORIES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A repository of the tree. `below` is its place there, `""` or with a final slash; `level` 0 is the first."""

    mirror: Mirror
    below: str = ""
    level: int = 0


def commit_tree(mirror: Mirror, settings: CloneSettings = DEFAULT_CLONE) -> Iterator[bytes]:
    """The checkout of the mirror's commit as a tar stream. Raises SourceError."""
    parts, count = deque([_Part(mirror=mirror)]), 0
    while parts:
        part = parts.popleft()
        count += 1
        with noting_damage(part.mirror):
            submodules = _submodules(part) if settings.submodules else ()
        if part.level + bool(submodules) > _DEEPEST:
            raise SourceError(f"submodule {submodules[0].name!r}: more than {_DEEPEST} levels of submodules")
        if count + len(submodules) + len(parts) > _MOST_REPOSITORIES:
            raise SourceError(f"more than {_MOST_REPOSITORIES} submodules: no more are taken")
        with noting_damage(part.mirror):
            yield from _members(part, submodules, settings)
        parts.extend(_fetched(part, submodule) for submodule in submodules)
    yield END


def _submodules(part: _Part) -> tuple[Submodule, ...]:
    mirror = part.mirror
    return submodules_of(mirror.directory, mirror.entries, origin=mirror.event.repository.clone_url)


def _members(part: _Part, submodules: tuple[Submodule, ...], settings: CloneSettings) -> Iterator[bytes]:
    mirror = part.mirror
    entries = mirror.entries
    if settings.tags:
        retried(mirror.tries, lambda: _fetch_tags(mirror))
    with scratch_directory("checkout") as directory, ThreadPoolExecutor(1) as aside:
        place, index = directory / "tree", directory / "index"
        place.mkdir()
        fill_index(mirror.directory, mirror.event.sha, entries, index)
        large = large_files(mirror, entries, index) if settings.lfs else ()
        made = aside.submit(_make_git_directory, mirror, place, index, submodules, settings)
        yield from archive(mirror.directory, mirror.event.sha, below=part.below)
        yield from large_file_members(mirror, large, below=part.below)
        made.result()
        yield from tar_members(every_file(place, below=part.below))


def _fetch_tags(mirror: Mirror) -> None:
    with locked(mirror) as lock:
        fetch_tags(mirror.directory, mirror.event, mirror.access, mirror.tries.stop, lock=lock)


def _make_git_directory(
    mirror: Mirror, place: Path, index: Path, submodules: tuple[Submodule, ...], settings: CloneSettings
) -> None:
    revision = Revision(
        source=mirror.directory,
        commit=mirror.event.sha,
        branch=mirror.event.branch,
        origin=mirror.event.repository.clone_url,
    )
    make_git_directory(revision, place, settings, index=index)
    for submodule in submodules:
        git(place, "config", f"submodule.{submodule.name}.url", submodule.url)


def _fetched(part: _Part, submodule: Submodule) -> _Part:
    """The submodule's part of the tree, fetched in nobody's name unless it is of the same owner."""
    mirror = part.mirror
    event = Event(repository=Repository(clone_url=submodule.url), sha=submodule.commit)
    access = access_to(submodule.url, origin=mirror.event.repository.clone_url, access=mirror.access)
    return _Part(
        mirror=fetched(mirror.root, event, access=access, tries=mirror.tries),
        below=f"{part.below}{submodule.path}/",
        level=part.level + 1,
    )
