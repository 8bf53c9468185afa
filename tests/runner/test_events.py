"""A local run's event: the command line's word first, then git's."""

from pathlib import Path

import pytest

from pipelines.event import Event, EventKind, PullRequest
from runner.errors import UsageError
from runner.events import EventOptions, WorkingTreeFacts, local_event

FACTS = WorkingTreeFacts(
    root=Path("/home/ann/app"),
    branch="dev",
    sha="cafe",
    message="one",
    author="Ann",
    author_email="ann@example.org",
    remote_url="git@git.example:acme/app.git",
    default_branch="main",
    changed_files=("a",),
)


def test_without_flags_it_is_a_push_of_what_is_checked_out() -> None:
    event = local_event(EventOptions(), FACTS)
    assert (event.kind, event.ref, event.branch, event.sha) == (EventKind.PUSH, "refs/heads/dev", "dev", "cafe")
    assert (event.message, event.author, event.author_email) == ("one", "Ann", "ann@example.org")
    assert (event.repository.full_name, event.repository.forge) == ("acme/app", "git.example")
    assert event.changed_files == ("a",)


def test_outside_a_working_tree_it_is_empty() -> None:
    assert local_event(EventOptions(), WorkingTreeFacts()) == Event()


def test_working_tree_without_a_remote_is_named_by_its_directory() -> None:
    assert local_event(EventOptions(), WorkingTreeFacts(root=Path("/home/ann/app"))).repository.full_name == "app"


@pytest.mark.parametrize(
    ("options", "kind", "ref", "branch"),
    [
        (EventOptions(branch="x"), EventKind.PUSH, "refs/heads/x", "x"),
        (EventOptions(ref="refs/heads/y"), EventKind.PUSH, "refs/heads/y", "y"),
        (EventOptions(tag="v1"), EventKind.TAG, "refs/tags/v1", ""),
        (EventOptions(ref="refs/tags/v1"), EventKind.TAG, "refs/tags/v1", ""),
        (EventOptions(tag="v1", branch="main"), EventKind.TAG, "refs/tags/v1", "main"),
        (EventOptions(tag="v1", event=EventKind.RELEASE), EventKind.RELEASE, "refs/tags/v1", ""),
        (EventOptions(event=EventKind.CRON), EventKind.CRON, "refs/heads/dev", "dev"),
        (EventOptions(pr=3), EventKind.PULL_REQUEST, "refs/pull/3/head", "main"),
        (EventOptions(target_branch="next"), EventKind.PULL_REQUEST, "refs/heads/dev", "next"),
    ],
)
def test_flags_make_kind_ref_and_branch(options: EventOptions, kind: EventKind, ref: str, branch: str) -> None:
    event = local_event(options, FACTS)
    assert (event.kind, event.ref, event.branch) == (kind, ref, branch)


def test_pull_request_goes_from_the_checked_out_branch_to_the_default_one() -> None:
    event = local_event(EventOptions(pr=3), FACTS)
    assert event.pull_request == PullRequest(number=3, source_branch="dev", target_branch="main")


def test_flags_win_over_git() -> None:
    options = EventOptions(sha="beef", message="two", author="Bob", repo="group/sub/lib", changed_files=("b", "c"))
    event = local_event(options, FACTS)
    assert (event.sha, event.message, event.author, event.author_email) == ("beef", "two", "Bob", "")
    assert (event.repository.owner, event.repository.name) == ("group/sub", "lib")
    assert event.changed_files == ("b", "c")


def test_tag_event_needs_a_tag() -> None:
    with pytest.raises(UsageError, match="--event tag needs --tag NAME"):
        local_event(EventOptions(event=EventKind.TAG), FACTS)
