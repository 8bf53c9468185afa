"""Server-sent events: the lines of a stream, put together to events."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SentEvent:
    """One event. `id` is what the reader gives back to go on after it."""

    id: str
    data: str


def events(lines: Iterable[str]) -> Iterator[SentEvent]:
    """The events of these lines; one that is cut off at the end is none."""
    last_id, data = "", list[str]()
    for line in lines:
        name, _, value = line.partition(":")
        text = value.removeprefix(" ")
        if not line and data:
            yield SentEvent(id=last_id, data="\n".join(data))
            data.clear()
        elif name == "id":
            last_id = text
        elif name == "data":
            data.append(text)
