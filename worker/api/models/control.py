"""What people say about a run that is there."""

from typing import Annotated

from pydantic import BaseModel, Field


class Cancellation(BaseModel, extra="forbid"):
    """Why a run is to end before its time; shown with it."""

    reason: Annotated[str, Field(max_length=200)] = ""


class Decision(BaseModel, extra="forbid"):
    """That a run may begin, or may not: there is nothing more to say."""
