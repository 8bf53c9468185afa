"""Paging: a list that grows, a part at a time. A cursor says what the last item was sorted by.

So the next page goes on at the right place whatever was added or removed meanwhile, and a cursor that somebody made up
is only another place in the list.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, TypeVar
from urllib.parse import quote, unquote

from fastapi import Depends, Query

T = TypeVar("T")
Key = tuple[str, ...]
"""What a list is sorted by: no two of its items have the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """Which part is asked for: at most `limit` items, those after the one with the cursor `after`, if it isn't `""`."""

    limit: int
    after: str

    def page(self, items: Iterable[T], key: Callable[[T], Key]) -> tuple[list[T], str | None]:
        """The part of these that is asked for, sorted, and the cursor of the next; None after the last."""
        place = _parsed(self.after) if self.after else ()
        left = sorted((item for item in items if key(item) > place), key=key)
        found = left[: self.limit]
        return found, _as_text(key(found[-1])) if len(left) > len(found) else None


def _paging(
    limit: Annotated[int, Query(description="at most this many", ge=1, le=1000)] = 200,
    after: Annotated[
        str, Query(description="only those after this place: `after` of the page before", max_length=2000)
    ] = "",
) -> Paging:
    return Paging(limit=limit, after=after)


Paged = Annotated[Paging, Depends(_paging)]


def _as_text(key: Key) -> str:
    return "/".join(quote(part, safe="") for part in key)


def _parsed(text: str) -> Key:
    return tuple(unquote(part) for part in text.split("/"))
