"""What runs may do, and which wait for a person."""

import pytest

from pipelines.event import Event, EventKind, PullRequest
from worker.errors import Malformed
from worker.trust import Approval, checked_trust, granted_plugins, granted_trust, waits_because

FORK = Event(kind=EventKind.PULL_REQUEST, pull_request=PullRequest(number=1, from_fork=True))
OWN = Event(kind=EventKind.PULL_REQUEST, pull_request=PullRequest(number=1))
ALL_TRUST = frozenset({"network", "security", "volumes"})


def test_run_may_do_what_its_repository_is_trusted_with() -> None:
    assert granted_trust(ALL_TRUST, Event()) == granted_trust(ALL_TRUST, OWN) == ALL_TRUST
    assert granted_plugins(("acme/build",), Event()) == ("acme/build",)


@pytest.mark.parametrize("kind", [kind for kind in EventKind if kind.is_pull_request])
def test_pull_request_from_a_fork_is_trusted_with_nothing(kind: EventKind) -> None:
    event = Event(kind=kind, pull_request=PullRequest(number=1, from_fork=True))
    assert granted_trust(ALL_TRUST, event) == frozenset()
    assert granted_plugins(("acme/build",), event) == ()


@pytest.mark.parametrize(
    ("approval", "event", "waits"),
    [
        (Approval.NONE, FORK, False),
        (Approval.FORKS, FORK, True),
        (Approval.FORKS, OWN, False),
        (Approval.FORKS, Event(), False),
        (Approval.ALL, FORK, True),
        (Approval.ALL, OWN, True),
        (Approval.ALL, Event(), True),
        (Approval.ALL, Event(kind=EventKind.TAG), True),
        (Approval.ALL, Event(kind=EventKind.MANUAL), False),
        (Approval.ALL, Event(kind=EventKind.CRON), False),
    ],
)
def test_run_waits_as_the_policy_says(approval: Approval, event: Event, *, waits: bool) -> None:
    assert bool(waits_because(approval, event)) is waits


def test_author_of_a_commit_decides_nothing() -> None:
    """Anybody can write any name into a commit."""
    event = Event(kind=EventKind.PULL_REQUEST, pull_request=FORK.pull_request, author="the owner", sender="")
    assert waits_because(Approval.FORKS, event)


def test_unknown_word_of_trust_is_refused() -> None:
    assert checked_trust(("volumes", "network")) == {"volumes", "network"}
    with pytest.raises(Malformed, match="'root' is nothing to trust with: expected network, security, volumes or none"):
        checked_trust(("root",))
