"""What every forge must be able to do: prove that a delivery is its own, and say which Events it stands for.

SECURITY. The forge is bound to the hook's URL, never guessed from headers, so no forge's weaker proof opens another's
hook. `verify` comes before `parse`, and everything in a payload is untrusted even after it. What a run will fetch comes
from our own record of the repository, and which files changed comes from git: a payload decides neither.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from msgspec.structs import replace

from pipelines.event import Event, EventKind, PullRequest, Repository
from worker.forges.fields import is_zero
from worker.store.repositories import StoredRepository

Headers = Mapping[str, str]
"""A request's headers. Names are looked up in lower case."""

_BRANCHES = "refs/heads/"
_SKIP = re.compile(r"\[(?i:ci *skip|skip *ci)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """Nothing is to be run for this, and why: one phrase for people."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What a delivery says. `key` is the same whenever the forge sends it again; `payload` is fit to be stored."""

    key: str
    name: str
    payload: bytes
    outcomes: tuple[Event | Ignored, ...]

    @property
    def events(self) -> tuple[Event, ...]:
        """What is to be run."""
        return tuple(outcome for outcome in self.outcomes if isinstance(outcome, Event))

    @property
    def ignored(self) -> str:
        """Why nothing else is to be run: the reasons, each once."""
        reasons = [outcome.reason for outcome in self.outcomes if isinstance(outcome, Ignored)]
        return "; ".join(dict.fromkeys(reasons))


class Forge(Protocol):
    """One kind of forge. Stateless: the same object serves every repository, from any thread."""

    @property
    def name(self) -> str:
        """The word in the hook's URL and in `--forge`."""

    @property
    def setup(self) -> str:
        """Where at the forge the hook's URL and secret are entered: a line or two for people."""

    def verify(self, headers: Headers, body: bytes, secret: str, now: float) -> None:
        """Raises Refused unless whoever sent this knows the secret. `now` is in seconds since 1970."""

    def parse(self, headers: Headers, body: bytes, repository: StoredRepository) -> Parsed:
        """What a delivery that was found good says. Raises Malformed if it can't be understood."""


def ref_event(repository: StoredRepository, *, ref: str, before: str, after: str, said: Event) -> Event | Ignored:
    """What the move of a branch or tag asks for; `said` holds what the forge said about its commit and its sender."""
    if is_zero(after):
        return Ignored(reason=f"{ref} was deleted")
    moved = replace(
        said, repository=repository_of(repository), ref=ref, sha=after, before="" if is_zero(before) else before
    )
    if moved.tag:
        return replace(moved, kind=EventKind.TAG)
    if not ref.startswith(_BRANCHES):
        return Ignored(reason=f"{ref} is neither a branch nor a tag")
    if _SKIP.search(said.message):
        return Ignored(reason="the commit message says [skip ci]")
    return replace(moved, kind=EventKind.PUSH, branch=ref.removeprefix(_BRANCHES))


def pull_request_event(
    repository: StoredRepository, pull_request: PullRequest, *, ref: str, sha: str, said: Event
) -> Event | Ignored:
    """What a new state of a pull request asks for; `said` holds its title and its sender."""
    if _SKIP.search(said.message):
        return Ignored(reason="the title says [skip ci]")
    return replace(
        said,
        kind=EventKind.PULL_REQUEST,
        repository=repository_of(repository),
        ref=ref,
        branch=pull_request.target_branch,
        sha=sha,
        pull_request=pull_request,
    )


def repository_of(stored: StoredRepository) -> Repository:
    """The repository as Events name it, from our own record."""
    return Repository(
        owner=stored.owner,
        name=stored.name,
        forge=urlsplit(stored.url or stored.clone_url).hostname or "",
        clone_url=stored.clone_url,
        url=stored.url,
        default_branch=stored.default_branch,
    )
