"""Large files: the contents of what a commit holds only pointers to, as Git LFS keeps them.

DESIGN. No smudge filter runs: pointers are found by reading the commit, `git lfs fetch` brings what they point to into
the mirror (it checks each file's hash), and the files go from there into the stream in the places of their pointers.
So memory is bounded, nothing is fetched twice, and no file of the commit configures anything but the store's address,
`lfs.url` of `.lfsconfig`. That is used with the repository's credentials only below its owner's address, as that of a
submodule is. Of a fork that is kept apart the store is its own. How many bytes a commit may bring is limited.
"""

import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipelines.event import Event
from runner.errors import SourceError
from runner.source.access import ANONYMOUS, Access
from runner.source.addresses import access_below, checked_address
from runner.source.fetch import PATIENCE, retried
from runner.source.forks import access_for_author, fork_of
from runner.source.gitcommand import WITHOUT_USER_CONFIGURATION, GitFailure, git
from runner.source.index import mentions
from runner.source.listing import Entry
from runner.source.mirror import Mirror
from runner.source.mirrors import locked
from runner.source.tarstream import file_members

_LARGEST_POINTER = 1024  # bytes, as Git LFS itself has it
_MOST_BYTES = 20 * 1024**3
_POINTER = re.compile(
    rb"version https://(?:git-lfs\.github\.com|hawser\.github\.com)/spec/v1\n"
    rb"oid sha256:(?P<oid>[0-9a-f]{64})\nsize (?P<size>\d{1,15})\n?"
)
_CONFIGURATION = b".lfsconfig"


@dataclass(frozen=True, slots=True, kw_only=True)
class LargeFile:
    """A file whose contents are elsewhere. `oid` is their SHA-256."""

    path: bytes
    oid: str
    size_bytes: int
    is_executable: bool


def large_files(mirror: Mirror, entries: tuple[Entry, ...], index: Path) -> tuple[LargeFile, ...]:
    """The commit's large files, their contents fetched into the mirror. `index` holds the commit's entries.

    Raises SourceError, also if there are any and `git-lfs` is not installed.
    """
    files = tuple(_pointers(mirror, _with_the_filter(mirror, entries, index)))
    if files:
        _check_size(files)
        retried(mirror.tries, lambda: _fetch_missing(mirror, files, entries))
    return files


def large_file_members(mirror: Mirror, files: tuple[LargeFile, ...], *, below: str) -> Iterator[bytes]:
    """The files as tar members behind the prefix `below`."""
    for file in files:
        name = below + file.path.decode(errors="surrogateescape")
        yield from file_members(name, place_of(mirror, file), is_executable=file.is_executable)


def place_of(mirror: Mirror, file: LargeFile) -> Path:
    """Where the mirror has the file's contents."""
    return mirror.directory / "lfs" / "objects" / file.oid[:2] / file.oid[2:4] / file.oid


def _with_the_filter(mirror: Mirror, entries: tuple[Entry, ...], index: Path) -> tuple[Entry, ...]:
    """The files that `.gitattributes` gives to Git LFS."""
    if not mentions(mirror.directory, mirror.event.sha, entries, "filter=lfs"):
        return ()
    files = {entry.path: entry for entry in entries if entry.is_file}
    with_index = {**WITHOUT_USER_CONFIGURATION, "GIT_INDEX_FILE": str(index)}
    with tempfile.TemporaryFile() as paths:
        paths.writelines(path + b"\0" for path in files)
        paths.seek(0)
        checked = git(
            mirror.directory, "check-attr", "-z", "--stdin", "--cached", "filter", environment=with_index, given=paths
        ).split(b"\0")
    return tuple(files[path] for path, value in zip(checked[::3], checked[2::3], strict=False) if value == b"lfs")


def _pointers(mirror: Mirror, entries: tuple[Entry, ...]) -> Iterator[LargeFile]:
    """Those of the files that are pointers: who commits without git-lfs commits the contents, and that is fine."""
    small = [entry for entry in entries if entry.size_bytes <= _LARGEST_POINTER]
    contents = _contents(mirror, [entry.object for entry in small])
    for entry, content in zip(small, contents, strict=True):
        if pointer := _POINTER.fullmatch(content):
            yield LargeFile(
                path=entry.path,
                oid=pointer["oid"].decode(),
                size_bytes=int(pointer["size"]),
                is_executable=entry.is_executable,
            )


def _contents(mirror: Mirror, objects: list[str]) -> Iterator[bytes]:
    """What is in each of these small objects."""
    with tempfile.TemporaryFile() as names:
        names.writelines(f"{name}\n".encode() for name in objects)
        names.seek(0)
        answer = git(mirror.directory, "cat-file", "--batch=%(objectsize)", given=names)
    position = 0
    for _ in objects:
        size, _, _ = answer[position : position + 20].partition(b"\n")
        begin = position + len(size) + 1
        position = begin + int(size) + 1
        yield answer[begin : position - 1]


def _check_size(files: tuple[LargeFile, ...]) -> None:
    total = sum({file.oid: file.size_bytes for file in files}.values())
    if total > _MOST_BYTES:
        raise SourceError(f"the commit's large files have {total:,} bytes: at most {_MOST_BYTES:,} are fetched")


def _fetch_missing(mirror: Mirror, files: tuple[LargeFile, ...], entries: tuple[Entry, ...]) -> None:
    with locked(mirror) as lock:
        if _missing(mirror, files):
            _fetch(mirror, entries, lock)
    if missing := _missing(mirror, files):
        path = missing[0].path.decode(errors="replace")
        raise SourceError(f"{path}: its store of large files has no {missing[0].oid[:12]} ({len(missing)} are missing)")


def _missing(mirror: Mirror, files: tuple[LargeFile, ...]) -> list[LargeFile]:
    return [file for file in files if not _is_there(place_of(mirror, file), file.size_bytes)]


def _is_there(path: Path, size_bytes: int) -> bool:
    return path.is_file() and path.stat().st_size == size_bytes


def _fetch(mirror: Mirror, entries: tuple[Entry, ...], lock: int) -> None:
    if shutil.which("git-lfs") is None:
        raise SourceError(
            "the commit has files in Git LFS and git-lfs is not installed on this machine: install the package "
            "`git-lfs`, or write `lfs: false` below clone > git > settings"
        )
    url, access = _store(mirror, entries)
    with access.environment(url or mirror.event.repository.clone_url) as environment:
        git(
            mirror.directory,
            *(["-c", f"lfs.url={url}"] if url else []), "-c", "lfs.skipdownloaderrors=false",
            "lfs", "fetch", "--include=", "--exclude=", "origin", mirror.event.sha,
            environment=environment,
            timeout=PATIENCE,
            stop=mirror.tries.stop,
            lock=lock,
        )  # fmt: skip


def _store(mirror: Mirror, entries: tuple[Entry, ...]) -> tuple[str, Access]:
    """The store's address, `""` for the repository's own, and in whose name it is read."""
    event, what = mirror.event, "the `lfs.url` of .lfsconfig"
    file = next((entry for entry in entries if entry.path == _CONFIGURATION and entry.is_file), None)
    url = _configured(mirror, file.object) if file else ""
    if not url:
        fork = fork_of(event)
        return (f"{fork.url}/info/lfs", ANONYMOUS) if fork else ("", mirror.access)
    own = mirror.access if _is_own(url, event) else access_for_author(event, mirror.access, url=url)
    access = access_below(checked_address(url, what=what), origin=event.repository.clone_url, access=own)
    if access is ANONYMOUS and not url.startswith("https://"):
        raise SourceError(f"{what} is at {url!r}: expected an https address, or one of the repository's owner")
    return url, access


def _is_own(url: str, event: Event) -> bool:
    """True for the address that the repository's store has anyway."""
    repository = event.repository.clone_url.removesuffix(".git")
    return url.rstrip("/") in (f"{repository}.git/info/lfs", f"{repository}/info/lfs")


def _configured(mirror: Mirror, blob: str) -> str:
    try:
        answer = git(mirror.directory, "config", "--no-includes", "--blob", blob, "--get", "lfs.url")
    except GitFailure as error:
        if error.said:
            raise
        return ""
    return answer.decode(errors="replace").strip()
