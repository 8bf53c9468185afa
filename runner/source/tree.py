"""The tree that a job's workspace is filled with: a commit's files and a `.git`, as one tar stream from mirrors.

DESIGN. The files of a repository go straight from its mirror into the stream; then come large files, which take the
places of their pointers, then its `.git`, which was made on disk meanwhile, and then submodules, in the order in which
they are found, theirs after them. Whatever could make the stream unsafe to unpack is looked at before its first byte.
An engine unpacks with one processor. So where there is much, the first repository's `.git` is a stream of its own. It
shares no directory with the files, `.git` being refused among them.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pipelines.event import Event, Repository
from runner.backend import Beside
from runner.errors import SourceError
from runner.scratch import scratch_directory
from runner.source.addresses import access_to
from runner.source.archive import archive
from runner.source.clonesettings import DEFAULT_CLONE, CloneSettings
from runner.source.fetch import fetch_tags, retried
from runner.source.forks import access_for_author
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
_LARGE_BYTES = 64_000_000  # below, a second container costs more than the time it saves


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A repository of the tree. `below` is its place there, `""` or with a final slash; `level` 0 is the first.

    `has_git` is false where its `.git` comes in a stream of its own.
    """

    mirror: Mirror
    below: str = ""
    level: int = 0
    has_git: bool = True


def commit_streams(mirror: Mirror, settings: CloneSettings = DEFAULT_CLONE) -> Iterator[bytes | Beside]:
    """The checkout of the mirror's commit as a tar stream; the `.git` of a large one is another. Raises SourceError."""
    with noting_damage(mirror):
        is_large = sum(entry.size_bytes for entry in mirror.entries) >= _LARGE_BYTES
    if is_large:
        yield Beside(partial(_git_stream, mirror, settings))
    yield from _stream(_Part(mirror=mirror, has_git=not is_large), settings)


def commit_tree(mirror: Mirror, settings: CloneSettings = DEFAULT_CLONE) -> Iterator[bytes]:
    """The same in one stream, whatever its size."""
    return _stream(_Part(mirror=mirror), settings)


def _stream(first: _Part, settings: CloneSettings) -> Iterator[bytes]:
    parts, count = deque([first]), 0
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
    with scratch_directory("checkout") as directory, ThreadPoolExecutor(1) as aside:
        index = _new_index(mirror, directory)
        large = large_files(mirror, mirror.entries, index) if settings.lfs else ()
        made = aside.submit(_git_directory, mirror, index, submodules, settings) if part.has_git else None
        yield from archive(mirror.directory, mirror.event.sha, below=part.below)
        yield from large_file_members(mirror, large, below=part.below)
        if made:
            yield from tar_members(every_file(made.result(), below=part.below))


def _git_stream(mirror: Mirror, settings: CloneSettings) -> Iterator[bytes]:
    """The `.git` of the first repository, alone."""
    with noting_damage(mirror), scratch_directory("checkout") as directory:
        submodules = _submodules(_Part(mirror=mirror)) if settings.submodules else ()
        made = _git_directory(mirror, _new_index(mirror, directory), submodules, settings)
        yield from tar_members(every_file(made))
    yield END


def _new_index(mirror: Mirror, directory: Path) -> Path:
    index = directory / "index"
    fill_index(mirror.directory, mirror.event.sha, mirror.entries, index)
    return index


def _fetch_tags(mirror: Mirror) -> None:
    with locked(mirror) as lock:
        fetch_tags(mirror.directory, mirror.event, mirror.access, mirror.tries.stop, lock=lock)


def _git_directory(mirror: Mirror, index: Path, submodules: tuple[Submodule, ...], settings: CloneSettings) -> Path:
    """A directory that has only a `.git`, made where the index is, which goes into it."""
    if settings.tags:
        retried(mirror.tries, lambda: _fetch_tags(mirror))
    place = index.with_name("tree")
    place.mkdir()
    revision = Revision(
        source=mirror.directory,
        commit=mirror.event.sha,
        branch=mirror.event.branch,
        origin=mirror.event.repository.clone_url,
    )
    make_git_directory(revision, place, settings, index=index)
    for submodule in submodules:
        git(place, "config", f"submodule.{submodule.name}.url", submodule.url)
    return place


def _fetched(part: _Part, submodule: Submodule) -> _Part:
    """The submodule's part of the tree, fetched in nobody's name unless it is of the same owner, and no fork's."""
    mirror = part.mirror
    event = Event(repository=Repository(clone_url=submodule.url), sha=submodule.commit)
    access = access_for_author(mirror.event, mirror.access, url=submodule.url)
    access = access_to(submodule.url, origin=mirror.event.repository.clone_url, access=access)
    return _Part(
        mirror=fetched(mirror.root, event, access=access, tries=mirror.tries),
        below=f"{part.below}{submodule.path}/",
        level=part.level + 1,
    )
