"""What people ask to have run, and the inputs that workflow files ask for."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field

from worker.api.models.basics import Branch, Parameters
from worker.starting import REF_NAME_PATTERN, SHA_PATTERN, WORKFLOW_PATTERN

_SHA = f"^({SHA_PATTERN})?$"
_ONE_LINE = r"^[A-Za-z0-9_][A-Za-z0-9 _.:/@+-]{0,99}$"


class Again(StrEnum):
    """How much of a run is done again."""

    ALL = "all"
    FAILED = "failed"


class NewRun(BaseModel, extra="forbid"):
    """Which run to do once more."""

    again: Annotated[str, Field(description="the id of a run whose event is to run again")]
    jobs: Annotated[Again, Field(description="`failed`: jobs that succeeded count as done, with what they left")] = (
        Again.ALL
    )


class Start(BaseModel, extra="forbid"):
    """A run to start by hand: of a branch (without one, the default branch) or of a tag.

    What doesn't fit the workflow files ends the run at once as *error*. A parameter of another type than the branch's
    last run has found in them is answered 422, and starts nothing.
    """

    branch: Branch = ""
    tag: Annotated[str, Field(pattern=f"^({REF_NAME_PATTERN})?$")] = ""
    sha: Annotated[str, Field(description="a commit of the branch, instead of its last", pattern=_SHA)] = ""
    params: Parameters = {}
    workflows: Annotated[
        list[Annotated[str, Field(pattern=f"^{WORKFLOW_PATTERN}$")]],
        Field(description="only these and what they need", max_length=100),
    ] = []


class NewDeployment(BaseModel, extra="forbid"):
    """Where what a run was of is to be deployed."""

    environment: Annotated[str, Field(description="such as `production`", pattern=_ONE_LINE)]
    task: Annotated[str, Field(description="what is to be done there", pattern=f"^$|{_ONE_LINE}")] = ""
    params: Parameters = {}


class Parameter(BaseModel):
    """An input that workflow files ask for."""

    name: str
    type: Annotated[str, Field(description="string, bool, choice or number")]
    default: str | None
    options: Annotated[list[str], Field(description="what a choice chooses from")]
    required: bool
    description: str
    workflows: Annotated[list[str], Field(description="those that ask for it")]


class DeclaredParameters(BaseModel):
    """The inputs of manual runs of a branch, as the last run there found them; none before the first."""

    parameters: list[Parameter]
