"""Why a run exists."""

from typing import Annotated

from pydantic import BaseModel, Field

from pipelines.event import EventKind


class PullRequest(BaseModel):
    """The pull request that a run is about."""

    number: int
    source_branch: str
    target_branch: str
    from_fork: bool


class Included(BaseModel):
    """Another repository that workflow files were included from, at the commit that its ref led to."""

    repository: Annotated[str, Field(description="its address")]
    ref: Annotated[str, Field(description="empty for the default branch")]
    sha: str


class Event(BaseModel):
    """Why a run exists. `branch` is the target's for a pull request; `sender` is the forge's word for who did it."""

    kind: EventKind
    ref: str
    branch: str
    tag: str
    sha: str
    before: str
    message: str
    author: str
    sender: str
    pull_request: PullRequest | None
    included: Annotated[list[Included], Field(description="known once the workflow files are read")]
