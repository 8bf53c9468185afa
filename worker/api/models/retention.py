"""How long things are kept, and what goes."""

from typing import Annotated

from pydantic import BaseModel, Field


class NewRetention(BaseModel, extra="forbid"):
    """How long a repository's things are kept. Rules that are not named are the server's."""

    rules: Annotated[str, Field(description="as `headrace retention set` takes them", max_length=400)]


class Retention(BaseModel):
    """How long a repository's things are kept."""

    rules: Annotated[str, Field(description="what the repository says", examples=["runs=365d logs=30d"])]
    in_force: Annotated[str, Field(description="that, and the server's setting for all else")]


class Kept(BaseModel):
    """How long the things of one repository are kept, all in all; empty: for ever."""

    repository: str
    in_force: str


class ServerRetention(BaseModel):
    """How long things are kept: `default` of repositories that say nothing, and what counts for each."""

    default: str
    repositories: list[Kept]


class Removed(BaseModel):
    """How much has gone of a repository, or would go: whole runs, and of others logs or artifacts alone."""

    repository: str
    runs: int
    logs: int
    artifacts: int
    deliveries: int


class Removals(BaseModel):
    """What has gone, or would go; only repositories that it is true of."""

    removed: list[Removed]
