"""Plan: workflows and an event with nothing left to decide, and its JSON form."""

import msgspec

from pipelines.event import Event
from pipelines.problems import Level, Problem, has_errors
from pipelines.status import Status

VERSION = 1


class SecretReference(msgspec.Struct, frozen=True):
    """Stands where a secret's value will be. Plans never hold values."""

    from_secret: str


Value = str | SecretReference


class ArtifactRule(msgspec.Struct, frozen=True, kw_only=True):
    """Which files of the workspace to keep when a step ends. `paths` are globs below the workspace."""

    paths: tuple[str, ...]
    name: str = ""
    on: tuple[Status, ...] = (Status.SUCCESS,)


class PlannedStep(msgspec.Struct, frozen=True, kw_only=True):
    """One container to run, or the reason why it is left out. A service is one too.

    `on` says after which state of the job the step runs; `timeout` is in seconds; `failure` is fail, ignore or cancel.
    """

    name: str
    image: str
    included: bool = True
    reason: str = ""
    depends_on: tuple[str, ...] = ()
    on: tuple[Status, ...] = (Status.SUCCESS,)
    commands: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] | None = None
    environment: dict[str, Value] = {}
    settings: dict[str, Value] = {}
    directory: str = ""
    privileged: bool = False
    failure: str = "fail"
    detach: bool = False
    timeout: float | None = None
    artifacts: tuple[ArtifactRule, ...] = ()


class PlannedJob(msgspec.Struct, frozen=True, kw_only=True):
    """One workflow under one matrix cell. `variables` are the `CI_*` ones that every step sees.

    `workspace_base` is where the job's volume is mounted, `workspace` the checkout's directory below it; with
    `skip_clone` that directory starts empty. `on` says after which end of the jobs it depends on the job runs;
    a worker that takes it has all `labels`.
    """

    name: str
    workflow: str
    file: str
    matrix: dict[str, str] = {}
    included: bool = True
    reason: str = ""
    depends_on: tuple[str, ...] = ()
    on: tuple[Status, ...] = (Status.SUCCESS,)
    labels: dict[str, str] = {}
    variables: dict[str, str] = {}
    workspace_base: str
    workspace: str
    skip_clone: bool = False
    timeout: float | None = None
    services: tuple[PlannedStep, ...] = ()
    steps: tuple[PlannedStep, ...] = ()

    @property
    def included_steps(self) -> tuple[PlannedStep, ...]:
        """The steps that may run, in file order."""
        return tuple(step for step in self.steps if step.included)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What one run will do. A Plan with errors among its problems is never executed."""

    v: int = VERSION
    event: Event
    jobs: tuple[PlannedJob, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def has_errors(self) -> bool:
        """True if the workflow files must be mended before anything runs."""
        return has_errors(self.problems)

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that stop it, in file order."""
        return tuple(problem for problem in self.problems if problem.level is Level.ERROR)

    @property
    def why_not(self) -> str:
        """One line that says why it can't be executed: the first error, and how many more there are."""
        more = f" (and {len(self.errors) - 1} more)" if len(self.errors) > 1 else ""
        return f"{self.errors[0]}{more}" if self.errors else ""

    @property
    def included_jobs(self) -> tuple[PlannedJob, ...]:
        """The jobs that will run, in file order."""
        return tuple(job for job in self.jobs if job.included)


def encode(plan: Plan) -> bytes:
    """The plan as JSON, in the shape of `headrace plan --output json`."""
    return msgspec.json.encode(plan)


def decode(text: bytes) -> Plan:
    """The plan that `encode` made this text from. Raises `msgspec.ValidationError` for anything else."""
    return msgspec.json.decode(text, type=Plan)
