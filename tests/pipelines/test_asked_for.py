"""What merely happens to a pull request runs nothing unless a workflow has the word for it."""

import pytest

from pipelines.event import Event, EventKind
from pipelines.wanted import is_asked_for

MARKED = [EventKind.PULL_REQUEST_CLOSED, EventKind.PULL_REQUEST_METADATA]


@pytest.mark.parametrize("kind", MARKED)
def test_end_of_a_pull_request_and_new_labels_must_be_asked_for_by_name(kind: EventKind) -> None:
    asking = f"when: {{event: [{kind}]}}\nsteps: {{a: {{image: x}}}}".encode()
    others = [b"steps: {a: {image: x}}", b"when: {event: pull_request}\nsteps: {a: {image: x}}"]
    assert not is_asked_for(Event(kind=kind), others)
    assert is_asked_for(Event(kind=kind), [*others, asking])


@pytest.mark.parametrize("kind", [kind for kind in EventKind if kind not in MARKED])
def test_everything_else_needs_no_word(kind: EventKind) -> None:
    assert is_asked_for(Event(kind=kind), [b"steps: {a: {image: x}}"])
