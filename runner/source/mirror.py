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
from datetime import timedelta
from pathlib import Path

from pipelines.event import Event
from runner.errors import SourceError
from runner.source.checkout import Revision, check_out
from runner.source.gitcommand import git
from runner.source.tarstream import every_file, tar_stream

_LARGEST_BYTES = 1 << 20
_FETCH = timedelta(minutes=15)
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_REF = re.compile(r"refs/[^\s~^:?*\[\\\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitFacts:
    """What a commit says of itself: for show, never for trust."""

    message: str
    author: str
    author_email: str


class Mirror:
    """A repository's bare mirror, holding the commit of one event. Made by `fetched`."""

    def __init__(self, directory: Path, event: Event) -> None:
        self._directory = directory
        self._event = event

    def contents(self, path: str) -> bytes:
        """A workflow file's contents at the event's commit. Raises SourceError if it is larger than one may be."""
        name = f"{self._event.sha}:{path}"
        size_bytes = int(git(self._directory, "cat-file", "-s", name))
        if size_bytes > _LARGEST_BYTES:
            raise SourceError(f"{path} has {size_bytes} bytes: a workflow file may have {_LARGEST_BYTES}")
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

    def tree(self) -> Iterator[bytes]:
        """The checkout of the event's commit as a tar stream."""
        revision = Revision(
            source=self._directory,
            commit=self._event.sha,
            branch=self._event.branch,
            origin=self._event.repository.clone_url,
        )
        with tempfile.TemporaryDirectory(prefix="headrace-checkout-") as directory:
            check_out(revision, Path(directory))
            yield from tar_stream(every_file(Path(directory)))

    def _has(self, revision: str) -> bool:
        return _has_commit(self._directory, revision)


def fetched(mirrors: Path, event: Event) -> Mirror:
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
            directory.mkdir()
            git(directory, "init", "--quiet", "--bare")
            git(directory, "remote", "add", "--", "origin", url)
        if not _has_commit(directory, commit):
            _fetch(directory, event)
        if not _has_commit(directory, commit):
            raise SourceError(f"{url} has no commit {commit}: it may have been pushed away since")
    return Mirror(directory, event)


def _fetch(directory: Path, event: Event) -> None:
    """Fetch the event's ref, with its history; where the commit is no longer on it, the commit itself."""
    if event.ref and not _REF.fullmatch(event.ref):
        raise SourceError(f"{event.ref!r} is no ref: expected refs/heads/… or refs/tags/…")
    try:
        _fetch_refspec(directory, f"+{event.ref}:{event.ref}" if event.ref else "+refs/heads/*:refs/heads/*")
        is_there = _has_commit(directory, event.sha)
    except SourceError as error:
        if "couldn't find remote ref" not in str(error):
            raise
        is_there = False
    if not is_there:
        try:
            _fetch_refspec(directory, f"+{event.sha}:refs/headrace/{event.sha}")
        except SourceError as error:
            raise SourceError(f"{event.repository.clone_url} has no commit {event.sha} on {event.ref}") from error


def _fetch_refspec(directory: Path, refspec: str) -> None:
    # The user's own configuration holds the credentials.
    git(
        directory,
        "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no", "--end-of-options",
        "origin", refspec,
        timeout=_FETCH,
        environment={},
    )  # fmt: skip


def _has_commit(directory: Path, revision: str) -> bool:
    try:
        git(directory, "rev-parse", "--quiet", "--verify", "--end-of-options", f"{revision}^{{commit}}")
    except SourceError:
        return False
    return True


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
