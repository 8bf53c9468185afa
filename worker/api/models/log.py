"""Lines of logs."""

from typing import Annotated

from pydantic import BaseModel, Field

from pipelines.records import Stream
from worker.api.models.basics import Time


class LogLine(BaseModel):
    """One line of a step's output. `number` counts both streams together, from 1."""

    number: int
    stream: Stream
    time: Time
    text: str
    command: Annotated[int | None, Field(description="which of the step's commands printed it, from 0")]
    attempt: Annotated[int, Field(description="in which attempt at the step, from 1")]


class LogPage(BaseModel):
    """Some lines of a log. `next` is the `from` of the next ones: null if there are none and none will come."""

    lines: list[LogLine]
    next: int | None
