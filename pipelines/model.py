"""The workflow as its author meant it: one validated file, before any event decides what runs.

Values carry their line, column and path where a problem may be found later.
"""

from dataclasses import dataclass, field

from pipelines.nodes import Position
from pipelines.plan import ArtifactRule, Value
from pipelines.status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Patterns:
    """Globs: excluded if any of `exclude` matches, else in if `include` is empty or any of it matches."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One map of a `when`: it holds if all its keys do. `label` is `when`, or `when[1]` in a list."""

    label: str = "when"
    event: tuple[str, ...] | None = None
    branch: Patterns | None = None
    ref: Patterns | None = None
    repo: Patterns | None = None
    status: tuple[Status, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """A step or workflow that must end before. One that is optional may be left out of the run."""

    position: Position
    path: str
    name: str
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One container. `depends_on` is None without that key; `[]` is a key too. `timeout` is in seconds."""

    position: Position
    path: str
    name: str = ""
    image: str
    commands: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] | None = None
    environment: dict[str, Value] = field(default_factory=dict)
    settings: dict[str, Value] = field(default_factory=dict)
    when: tuple[Condition, ...] = ()
    depends_on: tuple[Dependency, ...] | None = None
    failure: str = "fail"
    detach: bool = False
    directory: str = ""
    timeout: float | None = None
    artifacts: tuple[ArtifactRule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """Where the checkout is: `path` below `base`, which is where the job's volume is mounted. `""` is the default."""

    base: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """One file. Steps and services have names, each once."""

    file: str
    name: str
    steps: tuple[Step, ...]
    services: tuple[Step, ...] = ()
    when: tuple[Condition, ...] = ()
    environment: dict[str, Value] = field(default_factory=dict)
    depends_on: tuple[Dependency, ...] = ()
    workspace: Workspace = Workspace()
    labels: dict[str, str] = field(default_factory=dict)
    skip_clone: bool = False
    timeout: float | None = None
