"""Forms: what a page of ours posts. The route limits the size, the guard says who may."""

from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, Request

from worker.errors import Malformed

_TYPE = "application/x-www-form-urlencoded"
LARGEST_BYTES = 64 * 1024
_MOST_FIELDS = 20


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
