"""Mirrors: a bare copy a repository on the worker's disk, so that a run fetches only what is new.

DESIGN. One process at a time makes or fills a mirror, under a lock that ends with it; whoever finds the commit there
fetches nothing. Readers need no lock: objects are only ever added. What was fetched in one name is in a directory that
no other name reads. A mirror appears whole, by its name; one that is damaged nevertheless is made anew where that is
met, or, by a reader, noted for who comes next.
"""

import dataclasses
import logging
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace

from pipelines.event import Event
from runner.errors import SourceDamaged, SourceError
from runner.source.access import MACHINE, Access
from runner.source.addresses import access_to, checked_address
from runner.source.archive import overrule_attributes
from runner.source.clonesettings import CloneSettings
from runner.source.damage import is_noted, note_damage
from runner.source.fetch import NoCommit, commit_of, fetch, fetch_ref, has_commit, retried
from runner.source.forks import access_for_author
from runner.source.gitcommand import GitFailure, git
from runner.source.gitdirectory import object_format
from runner.source.mirror import Mirror
from runner.source.mirrordirectory import directory_name
from runner.source.mirrorlock import lock_of, remove_stale
from runner.source.remotes import repository_of
from runner.source.tries import Tries
from runner.stop import Stop

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_ABBREVIATION = re.compile(r"[0-9a-f]{12,39}")

T = TypeVar("T")

log = logging.getLogger(__name__)


def fetched(root: Path, event: Event, *, access: Access = MACHINE, tries: Tries | None = None) -> Mirror:
    """The mirror of the event's repository below the directory `root`, with the event's commit in it.

    Nothing is fetched if it is there already. Where the event names its commit by its first digits, or by its ref
    alone, the mirror's event has the whole name. Raises SourceError if the repository can't be reached, or has no such
    commit (any more).
    """
    tries = tries or Tries()
    directory = root / access.realm / directory_name(event.repository.clone_url)
    mirror = Mirror(root=root, directory=directory, event=event, access=access, tries=tries)
    if event.ref and (not event.sha or _ABBREVIATION.fullmatch(event.sha)):
        event = replace(event, sha=_whole_name(mirror))
        mirror = dataclasses.replace(mirror, event=event)
    if not _COMMIT.fullmatch(event.sha) or not event.sha.strip("0"):
        raise SourceError(f"{event.sha!r} is no commit: expected 40 or 64 hexadecimal digits, not all zeros")
    retried(tries, lambda: _fill(mirror, _have_commit))
    return mirror


def fetched_as_asked(
    root: Path, event: Event, settings: CloneSettings, *, access: Access = MACHINE, stop: Stop | None = None
) -> Mirror:
    """The mirror that a workflow's `clone` asks for: of another address, with more tries. Raises SourceError."""
    tries = Tries(attempts=settings.attempts, backoff=settings.backoff, stop=stop or Stop())
    if settings.remote:
        url = checked_address(settings.remote, what="the clone's `remote`")
        access = access_for_author(event, access, url=url)
        access = access_to(url, origin=event.repository.clone_url, access=access)
        event = replace(event, repository=replace(event.repository, clone_url=url))
        event = _all_there(event)
    return fetched(root, event, access=access, tries=tries)


def _all_there(event: Event) -> Event:
    """The event of a repository elsewhere, which has all commits itself: its host has none of our pull requests."""
    request = event.pull_request
    return replace(event, pull_request=replace(request, source_repository="")) if request else event


def fetch_branch(mirror: Mirror, branch: str) -> str | None:
    """What a branch of the repository leads to now, fetched into its mirror; None if it is gone. Raises SourceError."""
    wanted = dataclasses.replace(mirror, event=replace(mirror.event, ref=f"refs/heads/{branch}"))
    try:
        retried(mirror.tries, lambda: _fill(wanted, _have_ref))
    except NoCommit:
        return None
    return commit_of(mirror.directory, wanted.event.ref)


def locked(mirror: Mirror) -> AbstractContextManager[int]:
    """For one process at a time. Gives the lock, for git to hold, too. Raises SourceError if stopped."""
    return lock_of(mirror.directory, mirror.tries)


@contextmanager
def noting_damage(mirror: Mirror) -> Iterator[None]:
    """Within the block, what is read of a damaged mirror raises SourceDamaged, and `fetched` will make it anew."""
    try:
        yield
    except GitFailure as failure:
        if not failure.is_damage:
            raise
        note_damage(mirror.directory)
        raise SourceDamaged(f"the worker's mirror of the repository is damaged: {failure}") from failure


def read_from(mirror: Callable[[], Mirror], read: Callable[[Mirror], T]) -> T:
    """What is read from a mirror; if that is damaged, from the next one. Raises SourceError."""
    for may_try_again in (True, False):
        found = mirror()
        try:
            with noting_damage(found):
                return read(found)
        except SourceDamaged as damage:
            log.warning("mirror is damaged", extra={"error": str(damage)})
            if not may_try_again:
                raise
    raise AssertionError


def _whole_name(mirror: Mirror) -> str:
    """The commit that the event's ref leads to: that one, or for an abbreviation the one that it stands for."""
    retried(mirror.tries, lambda: _fill(mirror, _have_ref))
    event = mirror.event
    found = commit_of(mirror.directory, event.sha or event.ref)
    if found is None:
        url = repository_of(event.repository.clone_url).clone_url
        raise NoCommit(f"{url} has no commit, or several, whose name begins with {event.sha} on {event.ref}")
    return found


def _fill(mirror: Mirror, have: Callable[[Mirror, int], None]) -> None:
    """One try to have in the mirror what `have` fetches there, under the lock that it is given."""
    with locked(mirror) as lock:
        if not (mirror.directory / "HEAD").exists() or is_noted(mirror.directory):
            _make(mirror)
        try:
            have(mirror, lock)
        except GitFailure as failure:
            if not failure.is_damage:
                raise
            log.warning("mirror is damaged and made anew", extra={"error": str(failure)})
            _make(mirror)
            have(mirror, lock)


def _have_commit(mirror: Mirror, lock: int) -> None:
    directory, event = mirror.directory, mirror.event
    overrule_attributes(directory)
    if not has_commit(directory, event.sha):
        remove_stale(directory)
        fetch(directory, event, mirror.access, mirror.tries.stop, lock=lock)
    if not has_commit(directory, event.sha):
        url = repository_of(event.repository.clone_url).clone_url
        raise NoCommit(f"{url} has no commit {event.sha}: it may have been pushed away since")


def _have_ref(mirror: Mirror, lock: int) -> None:
    remove_stale(mirror.directory)
    fetch_ref(mirror.directory, mirror.event, mirror.access, mirror.tries.stop, lock=lock)


def _make(mirror: Mirror) -> None:
    """Put an empty mirror in its place, whole from the first moment."""
    directory, event = mirror.directory, mirror.event
    making, old = (directory.with_name(f"{directory.name}.{what}") for what in ("making", "old"))
    for left in (making, old):
        shutil.rmtree(left, ignore_errors=True)
    making.mkdir(parents=True)
    # HEAD names a branch that nobody has: what is on some branch must say nothing about other commits.
    git(making, "init", "--quiet", "--bare", *object_format(event.sha), "--initial-branch=headrace/none")
    git(making, "remote", "add", "--", "origin", event.repository.clone_url)
    if directory.exists():
        directory.rename(old)
    making.rename(directory)
    shutil.rmtree(old, ignore_errors=True)
