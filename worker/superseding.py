"""Superseding: whether a newer push ends older runs that nobody needs any more. Pure.

A push to a branch takes the place of the pushes before it there, a commit in a pull request that of those before it.
What a person or a schedule starts, tags and releases stand for themselves: nothing takes their place.
"""

from enum import StrEnum

from pipelines.event import Event, EventKind

_OF_COMMITS = frozenset({EventKind.PUSH, EventKind.PULL_REQUEST, EventKind.PULL_REQUEST_METADATA})
_USUAL_DEFAULTS = ("main", "master")


class Supersede(StrEnum):
    """Which runs a newer one ends: none, those of pull requests, also of branches but the default one, or of all."""

    NONE = "none"
    PULL_REQUESTS = "pull-requests"
    BRANCHES = "branches"
    ALL = "all"


def line_of(event: Event) -> str:
    """The branch or pull request that a run is about, where a newer one takes its place; `""` for a run by itself."""
    return "" if event.kind not in _OF_COMMITS or event.parent else event.ref


def ends_older(policy: Supersede, event: Event, *, default_branch: str) -> bool:
    """True if a run of this event ends the older ones of its line. Without a known default branch, main is one."""
    if not line_of(event) or event.kind is EventKind.PULL_REQUEST_METADATA or policy is Supersede.NONE:
        return False
    if event.kind is EventKind.PULL_REQUEST or policy is Supersede.ALL:
        return True
    defaults = (default_branch,) if default_branch else _USUAL_DEFAULTS
    return policy is Supersede.BRANCHES and event.branch not in defaults
