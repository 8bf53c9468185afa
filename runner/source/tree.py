"""The tree that a job's workspace is filled with: a commit's files and a `.git`, as one tar stream from mirrors.

DESIGN. The files of a repository go straight from its mirror into the stream; then come large files, which take the
places of their pointers, then its `.git`, which was made on disk meanwhile, and then submodules. Whatever could make
the stream unsafe to unpack is looked at before its first byte.
An engine unpacks with one processor. So where there is much, the first repository's `.git` is a stream of its own. It
shares no directory with the files, `.git` being refused among them. And who can reach the workspace need unpack
nothing: before all comes what writes the same (`written`).
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from runner.backend import Beside, Piece, Writer
from runner.scratch import scratch_directory
from runner.source.archive import archive
from runner.source.clonesettings import DEFAULT_CLONE, CloneSettings
from runner.source.lfs import large_file_members, large_files
from runner.source.mirror import Mirror
from runner.source.mirrors import noting_damage
from runner.source.part import Part, first_part, parts_of
from runner.source.partgit import git_directory, new_index
from runner.source.tarstream import END, every_file, tar_members
from runner.source.written import write_commit

_LARGE_BYTES = 64_000_000  # below, a second container costs more than the time it saves


def commit_streams(mirror: Mirror, settings: CloneSettings = DEFAULT_CLONE) -> Iterator[Piece]:
    """The checkout of the mirror's commit as a tar stream; the `.git` of a large one is another. Raises SourceError.

    Before both comes a Writer of the same.
    """
    yield Writer(partial(write_commit, mirror, settings))
    with noting_damage(mirror):
        is_large = sum(entry.size_bytes for entry in mirror.entries) >= _LARGE_BYTES
    if is_large:
        yield Beside(partial(_git_stream, mirror, settings))
    yield from _stream(mirror, settings, git_beside=is_large)


def commit_tree(mirror: Mirror, settings: CloneSettings = DEFAULT_CLONE) -> Iterator[bytes]:
    """The same in one stream, whatever its size."""
    return _stream(mirror, settings, git_beside=False)


def _stream(mirror: Mirror, settings: CloneSettings, *, git_beside: bool) -> Iterator[bytes]:
    for part in parts_of(mirror, settings):
        with noting_damage(part.mirror):
            yield from _members(part, settings, has_git=part.level > 0 or not git_beside)
    yield END


def _members(part: Part, settings: CloneSettings, *, has_git: bool) -> Iterator[bytes]:
    mirror = part.mirror
    with scratch_directory("checkout") as directory, ThreadPoolExecutor(1) as aside:
        index = new_index(part, directory)
        large = large_files(mirror, mirror.entries, index) if settings.lfs else ()
        made = aside.submit(git_directory, part, index, settings) if has_git else None
        yield from archive(mirror.directory, mirror.event.sha, below=part.below)
        yield from large_file_members(mirror, large, below=part.below)
        if made:
            yield from tar_members(every_file(made.result(), below=part.below))


def _git_stream(mirror: Mirror, settings: CloneSettings) -> Iterator[bytes]:
    """The `.git` of the first repository, alone."""
    with noting_damage(mirror), scratch_directory("checkout") as directory:
        part = first_part(mirror, settings)
        yield from tar_members(every_file(git_directory(part, new_index(part, directory), settings)))
    yield END
