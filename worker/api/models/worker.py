"""Workers."""

from typing import Annotated

from pydantic import BaseModel, Field

from worker.api.models.basics import Time, Url


class Worker(BaseModel):
    """A worker that is connected. It does one task at a time."""

    name: str
    host: str
    labels: Annotated[dict[str, str], Field(description="what jobs may ask for; `*` is any value")]
    since: Annotated[Time, Field(description="when it was started")]
    version: str
    run: Annotated[Url | None, Field(description="the page of the run that it works on")]


class Workers(BaseModel):
    """The workers that are connected, by name; those of before if `redis` is false, which then does not answer."""

    workers: list[Worker]
    redis: bool
