"""Fetching into a mirror: what an event needs of its repository, from the network."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from pipelines.event import Event
from runner.errors import SourceError
from runner.source.gitcommand import WITHOUT_USER_CONFIGURATION, git

_PATIENCE = timedelta(minutes=15)
_REF = re.compile(r"refs/[^\s~^:?*\[\\\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """In whose name a repository is fetched: `environment` adds to git's."""

    environment: Mapping[str, str] = field(default_factory=dict)


# The user's own configuration holds the credentials.
WITH_CREDENTIALS = Access()
# No configuration, no ~/.netrc, and nothing but the protocol that needs neither.
ANONYMOUS = Access(environment={**WITHOUT_USER_CONFIGURATION, "HOME": "/nonexistent", "GIT_ALLOW_PROTOCOL": "https"})


def fetch(directory: Path, event: Event, access: Access) -> None:
    """Fetch the event's ref, with its history; where the commit is no longer on it, the commit itself.

    Raises SourceError, also if there is no such commit.
    """
    if event.ref and not _REF.fullmatch(event.ref):
        raise SourceError(f"{event.ref!r} is no ref: expected refs/heads/… or refs/tags/…")
    try:
        _fetch(directory, f"+{event.ref}:{event.ref}" if event.ref else "+refs/heads/*:refs/heads/*", access)
        is_there = has_commit(directory, event.sha)
    except SourceError as error:
        if "couldn't find remote ref" not in str(error):
            raise
        is_there = False
    if not is_there:
        try:
            _fetch(directory, f"+{event.sha}:refs/headrace/{event.sha}", access)
        except SourceError as error:
            where = f" on {event.ref}" if event.ref else ""
            raise SourceError(f"{event.repository.clone_url} has no commit {event.sha}{where}") from error


def fetch_tags(directory: Path, access: Access) -> None:
    """Fetch all tags, as they are now. Raises SourceError."""
    _fetch(directory, "+refs/tags/*:refs/tags/*", access)


def has_commit(directory: Path, revision: str) -> bool:
    """True if the commit is there."""
    try:
        git(directory, "rev-parse", "--quiet", "--verify", "--end-of-options", f"{revision}^{{commit}}")
    except SourceError:
        return False
    return True


def _fetch(directory: Path, refspec: str, access: Access) -> None:
    git(
        directory,
        "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no", "--end-of-options",
        "origin", refspec,
        timeout=_PATIENCE,
        environment=access.environment,
    )  # fmt: skip
