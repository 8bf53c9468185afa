"""What went wrong."""

from pydantic import BaseModel


class Problem(BaseModel):
    """What went wrong, in the shape of RFC 9457. `detail` is one line for people."""

    type: str
    title: str
    status: int
    detail: str
