"""An Event as columns of its run: whole, as JSON, and what lists of runs are asked for by."""

import msgspec

from pipelines.event import Event


def columns_of(event: Event) -> dict[str, str | bytes]:
    """The columns of the table `runs` that come of its event."""
    return {
        "event": msgspec.json.encode(event),
        "kind": event.kind.value,
        "branch": event.branch,
        "author": event.author,
    }
