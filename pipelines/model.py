"""The workflow as its author meant it: one validated file, before any event decides what runs.

Values carry their line, column and path where a problem may be found later. Fields are called as the language's keys
are, and what they hold is explained in the table of keys.
"""

from dataclasses import dataclass, field

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
from pipelines.expressions.expression import Expression
from pipelines.nodes import START, Position
from pipelines.status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Patterns:
    """Globs: excluded if any of `exclude` matches, else in if `include` is empty or any of it matches."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PathFilter:
    """Globs on changed files: any file must match any of `include`; out if all files match some of `exclude`.

    A commit message that holds `ignore_message` lets everything in; `on_empty` is for events without changed files.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    ignore_message: str = ""
    on_empty: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixFilter:
    """Globs on the values of axes. Out if all of `exclude` match (and there are any); in if all of `include` do."""

    include: dict[str, str] = field(default_factory=dict)
    exclude: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The expression of an `evaluate`, with its place for what is wrong with it; None before `${}` has its values."""

    position: Position
    path: str
    text: str
    expression: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One map of a `when`: it holds if all its keys do. `label` is `when`, or `when[1]` in a list.

    `where` is the map's path in the file; `path` is the condition on changed files. `local` is of the command line:
    false leaves local runs out.
    """

    label: str = "when"
    position: Position = START
    where: str = ""
    event: tuple[str, ...] | None = None
    branch: Patterns | None = None
    ref: Patterns | None = None
    repo: Patterns | None = None
    instance: Patterns | None = None
    platform: Patterns | None = None
    cron: Patterns | None = None
    matrix: MatrixFilter | None = None
    path: PathFilter | None = None
    status: tuple[Status, ...] = ()
    evaluate: Evaluation | None = None
    local: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """A step or workflow that must end before. One that is optional may be left out of the run."""

    position: Position
    path: str
    name: str
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One container, or a service. `depends_on` is None without that key; `[]` is a key too.

    Neighbours with one `group` (an old form) run side by side, if no step of the file has `depends_on`. `is_plugin`
    is true if the image's own program runs, told what to do by its settings. `user` stands in `backend_options`.
    `arguments` (an old form of services) are those of the image's own program.
    `path` is the step's place in the file, as `steps[0]`, and `written` has the places of its keys.
    """

    position: Position
    path: str
    written: dict[str, Position] = field(default_factory=dict)
    name: str = ""
    image: str = ""
    build: Build | None = None
    pull: str = "missing"
    commands: tuple[str, ...] = ()
    shell: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] | None = None
    arguments: tuple[str, ...] = ()
    environment: dict[str, Value] = field(default_factory=dict)
    settings: dict[str, Value] = field(default_factory=dict)
    directory: str = ""
    when: tuple[Condition, ...] = ()
    depends_on: tuple[Dependency, ...] | None = None
    group: str = ""
    failure: str = "fail"
    detach: bool = False
    privileged: bool = False
    volumes: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    tmpfs: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    extra_hosts: tuple[str, ...] = ()
    network_mode: str = ""
    ports: tuple[str, ...] = ()
    user: str = ""
    timeout: float | None = None
    retry: Retry | None = None
    resources: Resources | None = None
    healthcheck: Healthcheck | None = None
    cache: tuple[CacheRule, ...] = ()
    artifacts: tuple[ArtifactRule, ...] = ()
    needs_artifacts: tuple[str, ...] = ()
    reports: Reports | None = None
    outputs: tuple[str, ...] = ()
    approval: Approval | None = None
    reuse: Reuse | None = None
    is_plugin: bool = False

    def place_of(self, key: str) -> Position:
        """Where that key stands; the step itself if it comes from elsewhere."""
        return self.written.get(key, self.position)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """Where the checkout is: `path` below `base`, which is where the job's volume is mounted. `""` is the default."""

    base: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """The cells of a workflow: each of `include` if there are any, else every combination of `axes`.

    A cell that has all pairs of one of `exclude` is left out. An axis without values counts as absent.
    """

    position: Position
    path: str = "matrix"
    axes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    include: tuple[dict[str, str], ...] = ()
    exclude: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Clone:
    """What a `clone` key asks for: our own checkout, steps of other images that run first, or both.

    `checkout` is None if no entry is ours: nothing is checked out then but by the `steps`. `when` is the entry's.
    """

    checkout: Checkout | None = None
    when: tuple[Condition, ...] = ()
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """One file. Steps, services and steps of the clone have names, each once.

    `clone` is None without that key. `branches` (an old form) must match the branch, but of tags and deployments.
    `written` has the places of its keys.
    """

    file: str
    name: str
    steps: tuple[Step, ...]
    written: dict[str, Position] = field(default_factory=dict)
    services: tuple[Step, ...] = ()
    when: tuple[Condition, ...] = ()
    branches: Patterns | None = None
    matrix: Matrix | None = None
    environment: dict[str, Value] = field(default_factory=dict)
    params: dict[str, Parameter] = field(default_factory=dict)
    depends_on: tuple[Dependency, ...] = ()
    workspace: Workspace = Workspace()
    clone: Clone | None = None
    skip_clone: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    concurrency: Concurrency | None = None
    timeout: float | None = None

    def place_of(self, key: str) -> Position:
        """Where that key stands; the start of the file if it comes from elsewhere."""
        return self.written.get(key, START)
