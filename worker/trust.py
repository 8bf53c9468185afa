"""Trust: what a repository's runs may do, and which of them a person must let run. Pure.

DESIGN. Whoever opens a pull request from a fork writes the code, the workflow files and the commit's author, so nothing
in them says who that is; only the forge's word counts that it is from a fork. Such a run never gets a secret, nor what
the repository is trusted with, nor a privileged plugin, approved or not: approval decides whether it may use the
machine at all. It is bound to the commit, so the next push waits anew. A person who starts a run by hand or deploys an
earlier one, and a schedule that somebody has set up, need nobody else.
"""

from enum import StrEnum

from pipelines.event import Event, EventKind
from pipelines.syntax.trusted import TRUST_WORDS
from worker.errors import Malformed

NO_TRUST: frozenset[str] = frozenset()
_OURS = frozenset({EventKind.MANUAL, EventKind.CRON, EventKind.LOCAL})


class Approval(StrEnum):
    """Which runs wait for a person: none, those of pull requests from forks, or all that the forge asks for."""

    NONE = "none"
    FORKS = "forks"
    ALL = "all"


def is_from_fork(event: Event) -> bool:
    """True if the event's commits are those of somebody who may not push here."""
    return event.pull_request is not None and event.pull_request.from_fork


def granted_trust(trust: frozenset[str], event: Event) -> frozenset[str]:
    """What a run of this event may do, in a repository that is trusted with `trust`."""
    return NO_TRUST if is_from_fork(event) else trust


def granted_plugins(images: tuple[str, ...], event: Event) -> tuple[str, ...]:
    """The plugin images that may run privileged in a run of this event, out of those that an administrator lists."""
    return () if is_from_fork(event) else images


def waits_because(approval: Approval, event: Event) -> str:
    """Why a run of this event waits for a person, in one phrase; `""` if it doesn't."""
    if approval is not Approval.NONE and is_from_fork(event):
        return "waits for approval: the pull request comes from a fork"
    if approval is Approval.ALL and not _is_asked_for_here(event):
        return "waits for approval: every run of this repository does"
    return ""


def _is_asked_for_here(event: Event) -> bool:
    """True if it was no forge that asked: somebody with an account did."""
    return event.kind in _OURS or (event.kind is EventKind.DEPLOYMENT and event.parent > 0)


def checked_trust(words: list[str] | tuple[str, ...]) -> frozenset[str]:
    """What a repository is to be trusted with. Raises Malformed."""
    for word in words:
        if word not in TRUST_WORDS:
            raise Malformed(
                f"{word[:40]!r} is nothing to trust with: expected {', '.join(sorted(TRUST_WORDS))} or none"
            )
    return frozenset(words)
