"""Wanted: whether an event is to have a run at all."""

import re
from collections.abc import Iterable

from pipelines.event import Event, EventKind

_SKIP = re.compile(r"\[(?i:ci *skip|skip *ci)\]")


def skips_ci(event: Event) -> bool:
    """True if the commit message asks, by `[skip ci]` or `[ci skip]`, that a push or pull request has no run."""
    is_skippable = event.kind is EventKind.PUSH or event.kind.is_pull_request
    return is_skippable and _SKIP.search(event.message) is not None


def is_asked_for(event: Event, files: Iterable[bytes]) -> bool:
    """False for the end of a pull request, or a new label or title, if no workflow file has the word for that event.

    Otherwise whoever marks a pull request would have all of it run again.
    """
    if event.kind not in (EventKind.PULL_REQUEST_CLOSED, EventKind.PULL_REQUEST_METADATA):
        return True
    return any(event.kind.encode() in text for text in files)
