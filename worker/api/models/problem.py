"""What went wrong."""

from typing import Annotated

from pydantic import BaseModel, Field


class WrongField(BaseModel):
    """What is wrong with a part of the request."""

    field: Annotated[str, Field(description="its place", examples=["params.COUNT"])]
    detail: str


class Problem(BaseModel):
    """What went wrong, in the shape of RFC 9457. `detail` is one line for people."""

    type: str
    title: str
    status: int
    detail: str
    errors: Annotated[list[WrongField], Field(description="where parts of the request are at fault")] = []
