"""The shapes of the API's answers. Their docstrings and descriptions are its reference, shown at /api/docs."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, Field, SecretStr

from pipelines import problems
from pipelines.event import EventKind
from pipelines.records import Stream
from pipelines.status import Status
from pipelines.syntax.trusted import TRUST_WORDS
from worker.badges.audience import Audience
from worker.forgeurl import FORGE_URL_PATTERN
from worker.schedules.schedule import NAME_PATTERN
from worker.secrets.credential import CredentialKind
from worker.secrets.scope import Level
from worker.secrets.secret import DEFAULT_EVENTS, IMAGE_PATTERN, LARGEST_BYTES
from worker.starting import (
    MOST_PARAMETERS,
    PARAMETER_PATTERN,
    REF_NAME_PATTERN,
    SHA_PATTERN,
    WORKFLOW_PATTERN,
)
from worker.statuses.commitstatus import Told
from worker.store.deliveries import Verdict
from worker.superseding import Supersede
from worker.trust import Approval
from worker.waiting.turns import HIGHEST_PRIORITY, MOST_RUNS

_TRUST = f"^({'|'.join(TRUST_WORDS)})$"
_WAITS = "what it waits for, in a phrase that goes on from `waits`; empty if it doesn't wait"
_NO_NUL = r"^[^\x00]+$"
Time = Annotated[str, Field(description="RFC 3339 in UTC with milliseconds", examples=["2026-11-24T03:04:05.678Z"])]
Milliseconds = Annotated[int, Field(description="milliseconds", ge=0)]
Url = Annotated[str, Field(description="an absolute address")]


_SHA = f"^({SHA_PATTERN})?$"
_ONE_LINE = r"^[A-Za-z0-9_][A-Za-z0-9 _.:/@+-]{0,99}$"
Parameters = Annotated[
    dict[
        Annotated[str, Field(pattern=f"^{PARAMETER_PATTERN}$")],
        Annotated[str, Field(max_length=10_000, pattern=r"^[^\x00]*$")],
    ],
    Field(description="values by name", max_length=MOST_PARAMETERS),
]

Branch = Annotated[str, Field(pattern=f"^({REF_NAME_PATTERN})?$")]
Cron = Annotated[
    str, Field(description="five fields, or `@daily` and the like", examples=["30 2 * * 1-5"], max_length=200)
]
TimeZone = Annotated[str, Field(description="a name of the tz database", examples=["Europe/Berlin"], max_length=100)]


class Again(StrEnum):
    """How much of a run is done again."""

    ALL = "all"
    FAILED = "failed"


class Repository(BaseModel):
    """A repository that this server builds."""

    name: Annotated[str, Field(description="`owner/name`")]
    forge: Annotated[
        str, Field(description="whose deliveries its hook takes: github, gitlab, gitea, forgejo, bitbucket or git")
    ]
    clone_url: str
    url: Annotated[str, Field(description="its page on this server")]
    hook_url: Annotated[str, Field(description="where its forge posts to")]
    trust: Annotated[list[str], Field(description="what its runs may do: network, security, volumes")]
    approval: Annotated[Approval, Field(description="which of its runs wait for a person")]
    priority: Annotated[int, Field(description="the higher, the earlier the turn of its jobs")]
    max_runs: Annotated[int | None, Field(description="so many runs at once; null for any number")]
    supersede: Annotated[Supersede, Field(description="which of its runs a newer push ends")]
    statuses: Annotated[Told, Field(description="what its forge is told of")]
    forge_url: Annotated[str, Field(description="where its forge is, or empty if nobody knows")]
    status_trouble: Annotated[str, Field(description="why the forge has not taken the last status, or empty")]
    badge: Annotated[Audience, Field(description="who may see its badge")]
    created_at: Time


class Repositories(BaseModel):
    """All repositories, by name."""

    repositories: list[Repository]


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


class Cancellation(BaseModel):
    """Why a run is to end before its time; shown with it."""

    reason: Annotated[str, Field(max_length=200)] = ""


class Decision(BaseModel):
    """That a run may begin, or may not: there is nothing more to say."""


class NewCredential(BaseModel):
    """A token or key, which is never told again. Without a value, a new clone key is made."""

    value: Annotated[SecretStr | None, Field(max_length=20_000)] = None
    user: Annotated[str, Field(description="whose clone token it is", max_length=255)] = ""
    known_hosts: Annotated[str, Field(description="of the host that a clone key is shown to", max_length=100_000)] = ""


class RepositorySettings(BaseModel):
    """What is set for a repository. What is left out stays as it is."""

    trust: Annotated[list[Annotated[str, Field(pattern=_TRUST)]] | None, Field(max_length=10)] = None
    approval: Approval | None = None
    statuses: Annotated[Told | None, Field(description="what its forge is told of")] = None
    forge_url: Annotated[
        str | None,
        Field(description="where its forge is; empty: as its clone URL says", pattern=f"^({FORGE_URL_PATTERN})?$"),
    ] = None
    badge: Annotated[Audience | None, Field(description="who may see its badge")] = None
    priority: Annotated[int | None, Field(ge=-HIGHEST_PRIORITY, le=HIGHEST_PRIORITY)] = None
    max_runs: Annotated[int | None, Field(description="0 for any number", ge=0, le=MOST_RUNS)] = None
    supersede: Supersede | None = None
    credentials: Annotated[
        dict[CredentialKind, NewCredential], Field(description="what to store, in place of any of its kind")
    ] = {}
    forget: Annotated[list[CredentialKind], Field(description="what to show no more", max_length=10)] = []


class Credential(BaseModel):
    """A credential without its value. `name` is a user's name, or the public half of a key."""

    kind: CredentialKind
    name: str
    known_hosts: str
    created_at: Time


class Credentials(BaseModel):
    """What a repository shows its forge, and git."""

    credentials: list[Credential]


class NewRun(BaseModel):
    """Which run to do once more."""

    again: Annotated[str, Field(description="the id of a run whose event is to run again")]
    jobs: Annotated[Again, Field(description="`failed`: jobs that succeeded count as done, with what they left")] = (
        Again.ALL
    )


class Start(BaseModel):
    """A run to start by hand: of a branch (without one, the default branch) or of a tag.

    What doesn't fit the workflow files, a parameter of another type say, ends the run at once as *error*.
    """

    branch: Branch = ""
    tag: Annotated[str, Field(pattern=f"^({REF_NAME_PATTERN})?$")] = ""
    sha: Annotated[str, Field(description="a commit of the branch, instead of its last", pattern=_SHA)] = ""
    params: Parameters = {}
    workflows: Annotated[
        list[Annotated[str, Field(pattern=f"^{WORKFLOW_PATTERN}$")]],
        Field(description="only these and what they need", max_length=100),
    ] = []


class NewDeployment(BaseModel):
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


class ScheduleChange(BaseModel):
    """What is to change of a schedule. What is left out stays as it is."""

    cron: Cron | None = None
    time_zone: TimeZone | None = None
    branch: Branch | None = None
    params: Parameters | None = None
    enabled: bool | None = None


class NewSchedule(BaseModel):
    """What is to run at which times."""

    name: Annotated[str, Field(description="what `when: cron` looks at", pattern=f"^{NAME_PATTERN}$")]
    cron: Cron
    time_zone: TimeZone = "UTC"
    branch: Branch = ""
    params: Parameters = {}
    enabled: bool = True


class LastRun(BaseModel):
    """The latest run that a schedule has made."""

    id: str
    number: int
    status: Status
    url: Url


class Schedule(BaseModel):
    """What runs at which times. `trouble` says why the server disabled it by itself, or is empty."""

    name: str
    cron: str
    time_zone: str
    branch: Annotated[str, Field(description="empty: the default branch")]
    params: dict[str, str]
    enabled: bool
    trouble: str
    next_times: Annotated[list[Time], Field(description="the next three; none while it is disabled")]
    last_at: Annotated[Time | None, Field(description="when it has last made a run")]
    last_run: Annotated[LastRun | None, Field(description="null if there is none, or not any more")]
    created_at: Time


class Schedules(BaseModel):
    """The schedules of a repository, by name."""

    schedules: list[Schedule]


class NewSecret(BaseModel):
    """A secret's value, which is never told again, and who may have it."""

    value: Annotated[SecretStr, Field(min_length=1, max_length=LARGEST_BYTES, json_schema_extra={"pattern": _NO_NUL})]
    events: Annotated[list[EventKind], Field(description="runs of which events", min_length=1, max_length=20)] = list(
        DEFAULT_EVENTS
    )
    images: Annotated[
        list[Annotated[str, Field(pattern=f"^{IMAGE_PATTERN}$")]],
        Field(description="plugins of which images; without any, every step", max_length=50),
    ] = []


class Secret(BaseModel):
    """A secret without its value. `of` is an owner or `owner/name`, as the level says, or empty."""

    name: str
    level: Level
    of: str
    events: list[EventKind]
    images: list[str]
    created_at: Time
    updated_at: Time


class StoredSecret(Secret):
    """A secret that was stored. `warning` says what is not as it should be, or is empty."""

    warning: str


class Secrets(BaseModel):
    """Secrets, by whom they are for and by name."""

    secrets: list[Secret]


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


class Artifact(BaseModel):
    """A file that a step left behind. `path` is relative to the workspace, `sha256` in hex."""

    id: int
    job: str
    step: str
    path: str
    size_bytes: int
    sha256: str
    url: Annotated[str, Field(description="where it is downloaded")]


class Artifacts(BaseModel):
    """Artifacts of a run. `after` asks for the next ones; it is null after the last."""

    artifacts: list[Artifact]
    after: int | None = None
    removed: Annotated[str, Field(description="since when and why they can't be downloaded any more, or empty")] = ""


class NewRetention(BaseModel):
    """How long a repository's things are kept. Rules that are not named are the server's."""

    rules: Annotated[str, Field(description="as `headrace retention set` takes them", max_length=400)]


class Retention(BaseModel):
    """How long a repository's things are kept."""

    rules: Annotated[str, Field(description="what the repository says", examples=["runs=365d logs=30d"])]
    in_force: Annotated[str, Field(description="that, and the server's setting for all else")]


class Problem(BaseModel):
    """What went wrong, in the shape of RFC 9457. `detail` is one line for people."""

    type: str
    title: str
    status: int
    detail: str


class AcceptedRun(BaseModel):
    """A run that a delivery asked for."""

    id: str
    number: int
    url: Url


class AcceptedDelivery(BaseModel):
    """The runs of a delivery, stored; the same ones if it was sent before. `run` and `url` are the first one's."""

    run: str
    url: Url
    runs: list[AcceptedRun]


class DeliverySummary(BaseModel):
    """What a forge has sent, and what became of it. Only of one that is *refused* nobody knows who sent it."""

    id: Annotated[int, Field(description="counts over all repositories")]
    repository: Annotated[str, Field(description="`owner/name`")]
    forge: str
    key: Annotated[str, Field(description="the forge's id of it, if it was understood")]
    event: Annotated[str, Field(description="the forge's name for what happened, if it was understood")]
    verdict: Verdict
    status_code: Annotated[int, Field(description="that it was answered with")]
    answer: Annotated[str, Field(description="why there is no run")]
    size_bytes: Annotated[int, Field(description="of the body as it was sent", ge=0)]
    received_at: Time
    runs: Annotated[list[AcceptedRun], Field(description="those that it made, delivered again or not")]


class Delivery(DeliverySummary):
    """A delivery with what was sent. `headrace run --delivery FILE` takes it as it is."""

    headers: Annotated[dict[str, str], Field(description="those that say what was sent, in lower case")]
    body: Annotated[Any, Field(description="the payload; of one that was not understood its beginning, as text")]


class Deliveries(BaseModel):
    """Deliveries, latest first. `before` gives the next ones, null if there are none."""

    deliveries: list[DeliverySummary]
    before: int | None = None


class IgnoredDelivery(BaseModel):
    """A delivery that asks for no run, and why."""

    ignored: str
