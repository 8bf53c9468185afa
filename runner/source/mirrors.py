"""Mirrors: a bare copy a repository on the worker's disk, so that a run fetches only what is new.

DESIGN. One process at a time makes or fills a mirror, under a lock that ends with it; whoever finds the commit there
fetches nothing. Readers need no lock: objects are only ever added. What was fetched in one name is in a directory that
no other name reads.
"""

import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from pipelines.event import Event
from runner.errors import SourceError
from runner.source.access import MACHINE, Access
from runner.source.addresses import access_to, checked_address
from runner.source.archive import overrule_attributes
from runner.source.clonesettings import CloneSettings
from runner.source.fetch import NoCommit, commit_of, fetch, fetch_ref, has_commit, retried
from runner.source.gitcommand import git
from runner.source.gitdirectory import object_format
from runner.source.mirror import Mirror
from runner.source.remotes import repository_of
from runner.source.tries import Tries
from runner.stop import Stop

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_ABBREVIATION = re.compile(r"[0-9a-f]{12,39}")
_LOCK_SECONDS = 0.05


def fetched(root: Path, event: Event, *, access: Access = MACHINE, tries: Tries | None = None) -> Mirror:
    """The mirror of the event's repository below the directory `root`, with the event's commit in it.

    Nothing is fetched if it is there already. Where the event names its commit by its first digits, or by its ref
    alone, the mirror's event has the whole name. Raises SourceError if the repository can't be reached, or has no such
    commit (any more).
    """
    tries = tries or Tries()
    if event.ref and (not event.sha or _ABBREVIATION.fullmatch(event.sha)):
        event = _with_whole_name(root, event, access, tries)
    if not _COMMIT.fullmatch(event.sha) or not event.sha.strip("0"):
        raise SourceError(f"{event.sha!r} is no commit: expected 40 or 64 hexadecimal digits, not all zeros")
    directory = root / access.realm / _directory_name(event.repository.clone_url)
    mirror = Mirror(root=root, directory=directory, event=event, access=access, tries=tries)
    retried(tries, lambda: _fill(mirror))
    return mirror


def fetched_as_asked(
    root: Path, event: Event, settings: CloneSettings, *, access: Access = MACHINE, stop: Stop | None = None
) -> Mirror:
    """The mirror that a workflow's `clone` asks for: of another address, with more tries. Raises SourceError."""
    tries = Tries(attempts=settings.attempts, backoff=settings.backoff, stop=stop or Stop())
    if settings.remote:
        url = checked_address(settings.remote, what="the clone's `remote`")
        access = access_to(url, origin=event.repository.clone_url, access=access)
        event = replace(event, repository=replace(event.repository, clone_url=url))
    return fetched(root, event, access=access, tries=tries)


def fetch_branch(mirror: Mirror, branch: str) -> str | None:
    """What a branch of the repository leads to now, fetched into its mirror; None if it is gone. Raises SourceError."""
    wanted = replace(mirror.event, ref=f"refs/heads/{branch}")

    def fill() -> None:
        with locked(mirror):
            fetch_ref(mirror.directory, wanted, mirror.access, mirror.tries.stop)

    try:
        retried(mirror.tries, fill)
    except NoCommit:
        return None
    return commit_of(mirror.directory, wanted.ref)


@contextmanager
def locked(mirror: Mirror) -> Iterator[None]:
    """For one process at a time. The lock ends with its process, however that ends. Raises SourceError if stopped."""
    mirror.directory.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(mirror.directory.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while not _lock(descriptor):
            mirror.tries.stop.wait(_LOCK_SECONDS)
            mirror.tries.check()
        yield
    finally:
        os.close(descriptor)


def forget_mirrors(root: Path, url: str) -> None:
    """Remove the mirrors of an address, in whoever's name they were fetched. Who wants one again fetches it anew."""
    name = _directory_name(url)
    for directory in (root / name, *root.glob(f"*/{name}")):
        shutil.rmtree(directory, ignore_errors=True)


def _with_whole_name(root: Path, event: Event, access: Access, tries: Tries) -> Event:
    """The event with the commit that its ref leads to: that one, or for an abbreviation the one that it stands for."""
    directory = root / access.realm / _directory_name(event.repository.clone_url)
    mirror = Mirror(root=root, directory=directory, event=event, access=access, tries=tries)

    def fill() -> None:
        with locked(mirror):
            if not _is_whole(directory):
                _make(directory, event)
            fetch_ref(directory, event, access, tries.stop)

    retried(tries, fill)
    found = commit_of(directory, event.sha or event.ref)
    if found is None:
        url = repository_of(event.repository.clone_url).clone_url
        raise NoCommit(f"{url} has no commit, or several, whose name begins with {event.sha} on {event.ref}")
    return replace(event, sha=found)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _fill(mirror: Mirror) -> None:
    """One try to have the commit in the mirror."""
    directory, event = mirror.directory, mirror.event
    with locked(mirror):
        if not _is_whole(directory):
            _make(directory, event)
        overrule_attributes(directory)
        if not has_commit(directory, event.sha):
            fetch(directory, event, mirror.access, mirror.tries.stop)
        if not has_commit(directory, event.sha):
            url = repository_of(event.repository.clone_url).clone_url
            raise NoCommit(f"{url} has no commit {event.sha}: it may have been pushed away since")


def _is_whole(directory: Path) -> bool:
    return (directory / "HEAD").exists() and b"origin" in (directory / "config").read_bytes()


def _make(directory: Path, event: Event) -> None:
    shutil.rmtree(directory, ignore_errors=True)  # what a crash left half-made
    directory.mkdir(parents=True)
    # HEAD names a branch that nobody has: what is on some branch must say nothing about other commits.
    git(directory, "init", "--quiet", "--bare", *object_format(event.sha), "--initial-branch=headrace/none")
    git(directory, "remote", "add", "--", "origin", event.repository.clone_url)


def _directory_name(url: str) -> str:
    readable = re.sub(r"[^A-Za-z0-9]+", "-", url.rstrip("/").removesuffix(".git").rpartition("/")[2])[:40]
    return f"{readable}-{hashlib.sha256(url.encode()).hexdigest()[:16]}"
