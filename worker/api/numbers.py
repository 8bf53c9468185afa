"""Numbers in a request: those that a database can hold, and no others. What is beyond is answered 400."""

from typing import Annotated

from fastapi import Path

LARGEST = 2**31 - 1

Number = Annotated[int, Path(ge=1, le=LARGEST)]
"""The type of an endpoint's argument that is a number in the path: an id, or a run's number."""
