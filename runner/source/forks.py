"""Forks: where the commits of a pull request lie whose forge keeps them in the fork alone, as Bitbucket does.

SECURITY. Whoever opens the pull request owns that repository. Its address is made of our own record's host and a name
of two plain parts, so a delivery leads to no other machine, and it is read in nobody's name over https: what a
repository of ours may be read with is never shown for somebody else's. A fork that isn't public is not read at all.
Whatever the forge: what a commit of a fork names, such as a submodule, is read in nobody's name as well, for its author
may not be allowed to read what our credentials open, and would find it in the workspace.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from pipelines.deliveries.fields import is_repository_name
from pipelines.event import Event, fork_ref
from runner.errors import SourceError
from runner.source.access import ANONYMOUS, Access
from runner.source.remotes import repository_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """A repository, the ref in it that a pull request is from, and the one that asks for it to be pulled."""

    url: str
    ref: str
    of: str

    @property
    def unreadable(self) -> str:
        """What to tell if it can't be read."""
        return (
            f"{self.url} can't be read: a pull request's fork is read without credentials, so it must be public;"
            f" or push the branch to {self.of}"
        )


def fork_of(event: Event) -> Fork | None:
    """The fork that the event's ref is in; None if it is in the repository itself. Raises SourceError."""
    request = event.pull_request
    if request is None or not request.source_repository or event.ref != fork_ref(request.number):
        return None
    host = _host(event.repository.clone_url)
    if not host or not is_repository_name(request.source_repository):
        raise SourceError(f"{request.source_repository!r} is no fork of {event.repository.full_name}")
    return Fork(
        url=f"https://{host}/{request.source_repository}.git",
        ref=f"refs/heads/{request.source_branch}",
        of=event.repository.full_name,
    )


def _host(clone_url: str) -> str:
    """The forge's host, with the port if that is one of the web's."""
    if clone_url.startswith(("https://", "http://")):
        return urlsplit(clone_url).netloc.rpartition("@")[2]
    return repository_of(clone_url).forge


def access_for_author(event: Event, access: Access, *, url: str) -> Access:
    """In whose name is read what the author of the event's commit has named, such as a submodule at `url`.

    `access` is the repository's own. For a commit of a fork it counts for the repository alone.
    """
    request = event.pull_request
    is_elsewhere = url != event.repository.clone_url
    return ANONYMOUS if request is not None and request.from_fork and is_elsewhere else access
