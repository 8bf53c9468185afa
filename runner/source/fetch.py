"""Fetching into a mirror: what an event needs of its repository, from the network."""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from pipelines.event import Event
from runner.errors import SourceError
from runner.source.access import ANONYMOUS, Access
from runner.source.forks import fork_of
from runner.source.gitcommand import GitFailure, git
from runner.source.remotes import repository_of
from runner.source.tries import Tries
from runner.stop import Stop

PATIENCE = timedelta(minutes=15)
_REF = re.compile(r"refs/[^\x00-\x20\x7f~^:?*\[\\]+")  # what git-check-ref-format forbids in a ref
_NO_REF = "couldn't find remote ref"
_NO_COMMIT = (_NO_REF, "not our ref", "unadvertised object", "unable to find", "not allow request for")
# What git, ssh and the servers of git write where to ask again is of no use, or harms: it may lock an account.
_FINAL = (
    "authentication failed", "could not read username", "could not read password", "permission denied",
    "host key verification failed", "does not appear to be a git repository", "repository not found", "error: 403",
    "error: 401", "not allowed", "unable to find remote helper", "no such remote", "ssl certificate problem",
    "does not exist", "' not found",
)  # fmt: skip

# What git writes where an address is not for everybody.
_WANTS_CREDENTIALS = ("could not read username", "authentication failed", "' not found", "error: 403", "error: 401")

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Remote:
    """Whom git asks for an event's commits, how the ref with them is called there, and in whose name it asks."""

    name: str
    url: str
    ref: str
    access: Access
    unreadable: str = ""


def fetch(directory: Path, event: Event, access: Access, stop: Stop, *, lock: int) -> None:
    """Fetch the event's ref, with its history; where the commit is no longer on it, the commit itself.

    `lock` is the mirror's, which git holds, too.

    Raises SourceError; NoCommit if there is no such commit.
    """
    remote = _remote_of(event, access)
    try:
        _fetch(directory, _refspec(remote, event), remote, stop, lock)
    except GitFailure as error:
        if _NO_REF not in error.said:
            raise
    if not has_commit(directory, event.sha):
        _fetch_commit(directory, event, remote, stop, lock)


def fetch_ref(directory: Path, event: Event, access: Access, stop: Stop, *, lock: int) -> None:
    """Fetch the event's ref, as it is now, with its history. Raises SourceError; NoCommit if there is no such ref."""
    remote = _remote_of(event, access)
    try:
        _fetch(directory, f"+{remote.ref}:{event.ref}", remote, stop, lock)
    except GitFailure as error:
        if _NO_REF not in error.said:
            raise
        raise NoCommit(f"{_shown(remote)} has no {remote.ref}") from error


def fetch_tags(directory: Path, event: Event, access: Access, stop: Stop, *, lock: int) -> None:
    """Fetch all tags, as they are now. Raises SourceError."""
    _fetch(directory, "+refs/tags/*:refs/tags/*", _origin(event, access), stop, lock)


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


def _remote_of(event: Event, access: Access) -> _Remote:
    """The repository itself, or the fork that its event's commits are in. Raises SourceError for what is no ref."""
    fork = fork_of(event)
    if fork is None:
        remote = _origin(event, access)
    else:
        remote = _Remote(name=fork.url, url=fork.url, ref=fork.ref, access=ANONYMOUS, unreadable=fork.unreadable)
    if remote.ref and not _REF.fullmatch(remote.ref):
        raise SourceError(f"{remote.ref!r} is no ref: expected refs/heads/… or refs/tags/…")
    return remote


def _origin(event: Event, access: Access) -> _Remote:
    return _Remote(name="origin", url=event.repository.clone_url, ref=event.ref, access=access)


def _refspec(remote: _Remote, event: Event) -> str:
    return f"+{remote.ref}:{event.ref}" if remote.ref else "+refs/heads/*:refs/heads/*"


def _fetch_commit(directory: Path, event: Event, remote: _Remote, stop: Stop, lock: int) -> None:
    try:
        _fetch(directory, f"+{event.sha}:refs/headrace/{event.sha}", remote, stop, lock)
    except GitFailure as error:
        if not any(text in error.said.lower() for text in _NO_COMMIT):
            raise
        where = f" on {remote.ref}" if remote.ref else ""
        raise NoCommit(f"{_shown(remote)} has no commit {event.sha}{where}") from error


def _fetch(directory: Path, refspec: str, remote: _Remote, stop: Stop, lock: int) -> None:
    try:
        with remote.access.environment(remote.url) as environment:
            git(
                directory,
                "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no",
                "--end-of-options", remote.name, refspec,
                timeout=PATIENCE,
                environment=environment,
                stop=stop,
                lock=lock,
            )  # fmt: skip
    except GitFailure as error:
        if remote.unreadable and any(text in error.said.lower() for text in _WANTS_CREDENTIALS):
            raise SourceError(remote.unreadable) from error
        raise


def _shown(remote: _Remote) -> str:
    return repository_of(remote.url).clone_url
