"""Runs with their jobs, steps and problems."""

from typing import Annotated

from pydantic import BaseModel, Field

from pipelines import problems
from pipelines.status import Status
from worker.api.models.basics import Milliseconds, Time, Url
from worker.api.models.event import Event

_WAITS = "what it waits for, in a phrase that goes on from `waits`; empty if it doesn't wait"


class Command(BaseModel):
    """A command that was reached. The log's lines say which one printed them."""

    command: Annotated[int, Field(description="its place among the step's commands, from 0")]
    exit_code: Annotated[int | None, Field(description="null if it never ended, or nobody knows how")]
    duration_ms: Milliseconds


class Attempt(BaseModel):
    """One try at a step, which has ended."""

    number: Annotated[int, Field(description="from 1")]
    status: Status
    exit_code: int | None
    reason: str
    duration_ms: Milliseconds
    commands: list[Command]


class Step(BaseModel):
    """One container of a job. One that was left out is *skipped*, with `included` false and the reason."""

    name: str
    kind: Annotated[str, Field(description="step or service")]
    image: str
    included: bool
    status: Status
    exit_code: int | None
    reason: str
    waits_for: Annotated[str, Field(description=_WAITS)]
    started_at: Time | None
    finished_at: Time | None
    duration_ms: Milliseconds | None
    attempts: Annotated[list[Attempt], Field(description="those that have ended: more than one if it was retried")]
    log_url: Url


class Job(BaseModel):
    """One workflow under one matrix cell."""

    name: str
    workflow: str
    matrix: dict[str, str]
    included: bool
    status: Status
    reason: str
    waits_for: Annotated[str, Field(description=_WAITS)]
    decided_by: Annotated[str | None, Field(description="who let it begin, or not, if it had to wait for a person")]
    started_at: Time | None
    finished_at: Time | None
    duration_ms: Milliseconds | None
    steps: list[Step]


class FileProblem(BaseModel):
    """What is wrong at one place of a workflow file, or works and does nothing there."""

    file: str
    line: Annotated[int, Field(description="from 1")]
    column: Annotated[int, Field(description="from 1")]
    path: Annotated[str, Field(description="the key's, such as `steps[0].image`, or empty")]
    level: Annotated[problems.Level, Field(description="an error stops the run before it starts")]
    message: str
    hint: Annotated[str, Field(description="what to write instead, or empty")]


class RunSummary(BaseModel):
    """A run, without its parts."""

    id: str
    number: Annotated[int, Field(description="counts from 1 within its repository")]
    repository: Annotated[str, Field(description="`owner/name`")]
    status: Status
    reason: Annotated[str, Field(description="why it ended so, if that needs words")]
    waits_for: Annotated[str, Field(description=_WAITS)]
    event: Event
    url: Annotated[str, Field(description="its page on this server")]
    created_at: Time
    started_at: Time | None
    finished_at: Time | None
    duration_ms: Milliseconds | None


class Run(RunSummary):
    """A run with its jobs and steps; it has none before its workflow files are read, and no problems either."""

    problems: list[FileProblem]
    jobs: list[Job]


class Runs(BaseModel):
    """Runs, latest first. `before` asks for the next ones; it is null after the last."""

    runs: list[RunSummary]
    before: int | None = None


class RunsOfAll(BaseModel):
    """Runs of all repositories, latest first. `before` asks for the next ones; it is null after the last."""

    runs: list[RunSummary]
    before: str | None = None
