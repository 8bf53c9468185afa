"""What a workflow's `clone` settings mean for an event."""

from datetime import timedelta

import pytest

from pipelines.details import Checkout
from pipelines.event import Event, EventKind
from runner.source.clonesettings import CloneSettings, clone_settings

PUSH, TAG = Event(), Event(kind=EventKind.TAG, ref="refs/tags/v1")


@pytest.mark.parametrize(
    ("checkout", "depth"),
    [
        (Checkout(), 1),
        (Checkout(depth=0), 0),
        (Checkout(depth=50), 50),
        (Checkout(partial=True), 1),
        (Checkout(partial=True, depth=50), 1),
        (Checkout(partial=False), 0),
        (Checkout(partial=False, depth=50), 50),
        (Checkout(tags=True), 0),
        (Checkout(tags=True, partial=True), 0),
        (Checkout(tags=True, depth=50), 50),
        (Checkout(tags=False, depth=0), 0),
    ],
)
def test_depth_is_what_is_asked_for_and_one_commit_otherwise(checkout: Checkout, depth: int) -> None:
    assert clone_settings(checkout, PUSH).depth == depth


def test_tags_come_for_a_tag_with_all_of_history() -> None:
    """What `git describe` wants."""
    settings = clone_settings(Checkout(), TAG)
    assert (settings.tags, settings.depth) == (True, 0)
    assert clone_settings(Checkout(tags=False), TAG) == clone_settings(Checkout(), PUSH)


def test_all_else_is_as_it_is_written() -> None:
    checkout = Checkout(recursive=False, lfs=False, remote="https://example.org/x", attempts=3, backoff=9)
    assert clone_settings(checkout, PUSH) == CloneSettings(
        submodules=False, lfs=False, remote="https://example.org/x", attempts=3, backoff=timedelta(seconds=9)
    )
