"""Plan: workflows and an event with nothing left to decide, and its JSON form."""

import msgspec

from pipelines.details import (
    Approval,
    ArtifactRule,
    Build,
    CacheRule,
    Checkout,
    Concurrency,
    Healthcheck,
    Parameter,
    Reports,
    Resources,
    Retry,
    Reuse,
    Value,
)
from pipelines.event import Event
from pipelines.problems import Level, Problem, has_errors
from pipelines.status import Status

VERSION = 1


class PlannedStep(msgspec.Struct, frozen=True, kw_only=True):
    """One container to run, or the reason why it is left out. A service is one too, and so is a step of a clone.

    `type` is commands, plugin, service or clone, as in `CI_STEP_TYPE`. `on` says after which state of the job the
    step runs; `timeout` is in seconds; `failure` is fail, ignore or cancel; `pull` is always, missing or never.
    `arguments` are those of the image's own program. All else is as the language's key of that name; an empty one
    asks for nothing.
    """

    name: str
    image: str
    type: str = "commands"
    included: bool = True
    reason: str = ""
    depends_on: tuple[str, ...] = ()
    on: tuple[Status, ...] = (Status.SUCCESS,)
    commands: tuple[str, ...] = ()
    shell: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] | None = None
    arguments: tuple[str, ...] = ()
    environment: dict[str, Value] = {}
    settings: dict[str, Value] = {}
    directory: str = ""
    privileged: bool = False
    failure: str = "fail"
    detach: bool = False
    timeout: float | None = None
    artifacts: tuple[ArtifactRule, ...] = ()
    pull: str = "missing"
    user: str = ""
    build: Build | None = None
    retry: Retry | None = None
    resources: Resources | None = None
    healthcheck: Healthcheck | None = None
    cache: tuple[CacheRule, ...] = ()
    needs_artifacts: tuple[str, ...] = ()
    reports: Reports | None = None
    outputs: tuple[str, ...] = ()
    approval: Approval | None = None
    reuse: Reuse | None = None
    volumes: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    tmpfs: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    extra_hosts: tuple[str, ...] = ()
    network_mode: str = ""
    ports: tuple[str, ...] = ()


class PlannedJob(msgspec.Struct, frozen=True, kw_only=True):
    """One workflow under one matrix cell. `variables` are the `CI_*` ones that every step sees.

    `workspace_base` is where the job's volume is mounted, `workspace` the checkout's directory below it; with
    `skip_clone` that directory starts empty, else `checkout` says how it is filled. `on` says after which end of the
    jobs it depends on the job runs; a worker that takes it has all `labels`.
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
    checkout: Checkout = Checkout()
    concurrency: Concurrency | None = None
    params: dict[str, Parameter] = {}
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
