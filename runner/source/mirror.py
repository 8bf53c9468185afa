"""Mirrors: a bare copy a repository on the worker's disk, so that a run fetches only what is new."""

import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from pipelines.event import Event, Repository
from pipelines.reading.document import MAX_BYTES
from runner.errors import SourceError
from runner.source.archive import archive, check_paths, overrule_attributes
from runner.source.checkout import Revision, check_out, make_git_directory
from runner.source.clonesettings import DEFAULT_CLONE, CloneSettings
from runner.source.fetch import WITH_CREDENTIALS, Access, fetch, fetch_tags, has_commit
from runner.source.gitcommand import git
from runner.source.submodules import Submodule, access_to, submodules_of
from runner.source.tarstream import empty_directories, every_file, tar_members, tar_stream

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_DEEPEST = 8  # submodules of submodules


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitFacts:
    """What a commit says of itself: for show, never for trust."""

    message: str
    author: str
    author_email: str


class Mirror:
    """A repository's bare mirror, holding the commit of one event. Made by `fetched`."""

    def __init__(self, directory: Path, event: Event, access: Access) -> None:
        self._directory = directory
        self._event = event
        self._access = access

    def contents(self, path: str) -> bytes:
        """A workflow file's contents at the event's commit. Raises SourceError if it is larger than one may be."""
        name = f"{self._event.sha}:{path}"
        size_bytes = int(git(self._directory, "cat-file", "-s", name))
        if size_bytes > MAX_BYTES:
            raise SourceError(f"{path} has {size_bytes} bytes: a workflow file may have {MAX_BYTES}")
        return git(self._directory, "cat-file", "blob", name)

    def paths(self, *directories: str) -> tuple[str, ...]:
        """The paths of the files at the commit's root, and of those right below these directories."""
        listed = [git(self._directory, "ls-tree", "-z", "--name-only", self._event.sha)]
        listed += [
            git(self._directory, "ls-tree", "-z", "--name-only", self._event.sha, "--", f"{directory}/")
            for directory in directories
        ]
        return tuple(name.decode(errors="replace") for output in listed for name in output.split(b"\0") if name)

    def commit_facts(self) -> CommitFacts:
        """The message and author of the event's commit."""
        text = git(self._directory, "show", "--no-patch", "--format=%an%x00%ae%x00%B", self._event.sha, "--")
        author, email, message = text.decode(errors="replace").split("\0", 2)
        return CommitFacts(message=message.strip(), author=author, author_email=email)

    def changed_files(self) -> tuple[str, ...] | None:
        """The paths that differ between the event's `before` (else the commit's parent) and its commit.

        None if there is nothing to compare with, as for a new branch whose first commit has no parent.
        """
        for base in (self._event.before, f"{self._event.sha}^"):
            if base.strip("0") and self._has(base):
                listed = git(self._directory, "diff", "--name-only", "-z", "--no-renames", base, self._event.sha, "--")
                return tuple(name.decode(errors="replace") for name in listed.split(b"\0") if name)
        return None

    def tree(self, settings: CloneSettings = DEFAULT_CLONE) -> Iterator[bytes]:
        """The checkout of the event's commit as a tar stream. Raises SourceError.

        Without submodules, the files go straight from the mirror into the stream.
        """
        with tempfile.TemporaryDirectory(prefix="headrace-checkout-") as directory:
            place = Path(directory)
            if settings.submodules:
                self.write_to(place, settings)
                yield from tar_stream(chain(every_file(place), empty_directories(place)))
            else:
                self._prepare(settings)
                make_git_directory(self._revision, place, settings)
                yield from tar_members(chain(every_file(place), empty_directories(place)))
                yield from archive(self._directory, self._event.sha)

    def write_to(self, directory: Path, settings: CloneSettings = DEFAULT_CLONE, *, level: int = 0) -> None:
        """The checkout in this empty directory. `level` counts up from a repository to its submodules."""
        revision = self._revision
        self._prepare(settings)
        check_out(revision, directory, settings)
        if settings.submodules:
            for submodule in submodules_of(self._directory, revision.commit, origin=revision.origin):
                self._add_submodule(submodule, directory, settings, level=level + 1)

    @property
    def _revision(self) -> Revision:
        return Revision(
            source=self._directory,
            commit=self._event.sha,
            branch=self._event.branch,
            origin=self._event.repository.clone_url,
        )

    def _prepare(self, settings: CloneSettings) -> None:
        check_paths(self._directory, self._event.sha)
        if settings.tags:
            with _lock(self._directory):
                fetch_tags(self._directory, self._access)

    def _add_submodule(self, submodule: Submodule, directory: Path, settings: CloneSettings, *, level: int) -> None:
        if level > _DEEPEST:
            raise SourceError(f"submodule {submodule.name!r}: more than {_DEEPEST} levels of submodules")
        place = directory / submodule.path
        # No link can be on the way: the paths are checked.
        place.mkdir(parents=True, exist_ok=True)
        event = Event(repository=Repository(clone_url=submodule.url), sha=submodule.commit)
        access = access_to(submodule.url, origin=self._event.repository.clone_url, access=self._access)
        # What was fetched with credentials must not serve those who have none.
        mirrors = self._directory.parent if access is WITH_CREDENTIALS else self._directory.parent / "anonymous"
        fetched(mirrors, event, access=access).write_to(place, settings, level=level)
        git(directory, "config", f"submodule.{submodule.name}.url", submodule.url)

    def _has(self, revision: str) -> bool:
        return has_commit(self._directory, revision)


def fetched(mirrors: Path, event: Event, *, access: Access = WITH_CREDENTIALS) -> Mirror:
    """The mirror of the event's repository below the directory `mirrors`, with the event's commit in it.

    Nothing is fetched if it is there already. Raises SourceError if the repository can't be reached, or has no such
    commit (any more).
    """
    url, commit = event.repository.clone_url, event.sha
    if not _COMMIT.fullmatch(commit):
        raise SourceError(f"{commit!r} is no commit: expected 40 or 64 hexadecimal digits")
    directory = mirrors / _directory_name(url)
    with _lock(directory):
        if not _is_mirror(directory):
            shutil.rmtree(directory, ignore_errors=True)  # what a crash left half-made
            directory.mkdir(parents=True)
            git(directory, "init", "--quiet", "--bare")
            git(directory, "remote", "add", "--", "origin", url)
        overrule_attributes(directory)
        if not has_commit(directory, commit):
            fetch(directory, event, access)
        if not has_commit(directory, commit):
            raise SourceError(f"{url} has no commit {commit}: it may have been pushed away since")
    return Mirror(directory, event, access)


def _is_mirror(directory: Path) -> bool:
    return (directory / "HEAD").exists() and b"origin" in (directory / "config").read_bytes()


@contextmanager
def _lock(directory: Path) -> Iterator[None]:
    """One process at a time makes or fills a mirror. The lock ends with its process, however that ends."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(directory.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _directory_name(url: str) -> str:
    readable = re.sub(r"[^A-Za-z0-9]+", "-", url.rstrip("/").removesuffix(".git").rpartition("/")[2])[:40]
    return f"{readable}-{hashlib.sha256(url.encode()).hexdigest()[:16]}"
