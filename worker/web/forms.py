"""Forms: what a page of ours posts. The route limits the size, the guard says who may."""

from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, Request

from worker.errors import Malformed

_TYPE = "application/x-www-form-urlencoded"
LARGEST_BYTES = 64 * 1024
_MOST_FIELDS = 120  # a run's inputs are fields, too


async def _read(request: Request) -> dict[str, str]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _TYPE:
        raise Malformed(f"the form must come as {_TYPE}")
    body = await request.body()
    try:
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError as error:
        raise Malformed("the form can't be read") from error


Form = Annotated[dict[str, str], Depends(_read)]
"""The type of an endpoint's argument that gets a form's fields, by name."""


def lines_of_params(text: str) -> dict[str, str]:
    """The values by name of lines such as `TARGET=eu`. Raises Malformed."""
    found = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, equals, value = line.partition("=")
        if not equals:
            raise Malformed(f"{line[:40]!r} gives no value: write NAME=VALUE, one a line")
        found[name.strip()] = value.strip()
    return found
