"""Fetching into a mirror: what an event needs of its repository, from the network."""

import logging
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from pipelines.event import Event
from runner.errors import SourceError
from runner.source.access import Access
from runner.source.gitcommand import GitFailure, git
from runner.source.remotes import repository_of
from runner.source.tries import Tries
from runner.stop import Stop

PATIENCE = timedelta(minutes=15)
_REF = re.compile(r"refs/[^\s~^:?*\[\\\x00-\x1f\x7f]+")
_NO_REF = "couldn't find remote ref"
_NO_COMMIT = (_NO_REF, "not our ref", "unadvertised object", "unable to find", "not allow request for")
# What git, ssh and the servers of git write where to ask again is of no use, or harms: it may lock an account.
_FINAL = (
    "authentication failed", "could not read username", "could not read password", "permission denied",
    "host key verification failed", "does not appear to be a git repository", "repository not found", "error: 403",
    "error: 401", "not allowed", "unable to find remote helper", "no such remote", "ssl certificate problem",
    "does not exist", "' not found",
)  # fmt: skip

log = logging.getLogger(__name__)


class NoCommit(SourceError):  # noqa: N818 - a thing that happens
    """Raised when the repository answers and has no such commit, or not yet: a forge may copy it around first."""


def is_final(error: SourceError) -> bool:
    """True if another try would end the same."""
    if isinstance(error, NoCommit):
        return False
    return not isinstance(error, GitFailure) or any(text in error.said.lower() for text in _FINAL)


def retried(tries: Tries, work: Callable[[], None]) -> None:
    """Do the work that needs the network, again where that may help. Raises SourceError as the last try does."""
    for may_try_again in tries:
        try:
            work()
        except SourceError as error:
            if is_final(error) or not may_try_again:
                raise
            log.warning("fetching failed, will be tried again", extra={"error": str(error)})
        else:
            return


def fetch(directory: Path, event: Event, access: Access, stop: Stop, *, lock: int) -> None:
    """Fetch the event's ref, with its history; where the commit is no longer on it, the commit itself.

    `lock` is the mirror's, which git holds, too.

    Raises SourceError; NoCommit if there is no such commit.
    """
    ref = event.ref
    if ref and not _REF.fullmatch(ref):
        raise SourceError(f"{ref!r} is no ref: expected refs/heads/… or refs/tags/…")
    try:
        _fetch(directory, f"+{ref}:{ref}" if ref else "+refs/heads/*:refs/heads/*", event, access, stop, lock)
    except GitFailure as error:
        if _NO_REF not in error.said:
            raise
    if not has_commit(directory, event.sha):
        _fetch_commit(directory, event, access, stop, lock)


def fetch_ref(directory: Path, event: Event, access: Access, stop: Stop, *, lock: int) -> None:
    """Fetch the event's ref, as it is now, with its history. Raises SourceError; NoCommit if there is no such ref."""
    if not _REF.fullmatch(event.ref):
        raise SourceError(f"{event.ref!r} is no ref: expected refs/heads/… or refs/tags/…")
    try:
        _fetch(directory, f"+{event.ref}:{event.ref}", event, access, stop, lock)
    except GitFailure as error:
        if _NO_REF not in error.said:
            raise
        raise NoCommit(f"{repository_of(event.repository.clone_url).clone_url} has no {event.ref}") from error


def fetch_tags(directory: Path, event: Event, access: Access, stop: Stop, *, lock: int) -> None:
    """Fetch all tags, as they are now. Raises SourceError."""
    _fetch(directory, "+refs/tags/*:refs/tags/*", event, access, stop, lock)


def has_commit(directory: Path, revision: str) -> bool:
    """True if the commit is there."""
    return commit_of(directory, revision) is not None


def commit_of(directory: Path, revision: str) -> str | None:
    """The whole name of the one commit that is meant; None if there is none, or more than one."""
    try:
        said = git(directory, "rev-parse", "--quiet", "--verify", "--end-of-options", f"{revision}^{{commit}}")
    except GitFailure:
        return None
    return said.decode().strip()


def _fetch_commit(directory: Path, event: Event, access: Access, stop: Stop, lock: int) -> None:
    try:
        _fetch(directory, f"+{event.sha}:refs/headrace/{event.sha}", event, access, stop, lock)
    except GitFailure as error:
        if not any(text in error.said.lower() for text in _NO_COMMIT):
            raise
        where = f" on {event.ref}" if event.ref else ""
        address = repository_of(event.repository.clone_url).clone_url
        raise NoCommit(f"{address} has no commit {event.sha}{where}") from error


def _fetch(directory: Path, refspec: str, event: Event, access: Access, stop: Stop, lock: int) -> None:
    with access.environment(event.repository.clone_url) as environment:
        git(
            directory,
            "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no", "--end-of-options",
            "origin", refspec,
            timeout=PATIENCE,
            environment=environment,
            stop=stop,
            lock=lock,
        )  # fmt: skip
