"""What a server answers, as far as commands look at it. Fields that a newer server adds are passed over."""

import msgspec

from pipelines.problems import Problem


class RemoteEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Why a run exists."""

    kind: str
    branch: str = ""
    tag: str = ""
    sha: str = ""
    message: str = ""


class RemoteRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run. `repository` is `owner/name`, `url` its page; `waits_for` is empty if it doesn't wait. Lists of runs, and
    what has just been made, leave out the `problems` of its workflow files.
    """

    id: str
    number: int
    repository: str
    status: str
    reason: str
    event: RemoteEvent
    url: str
    created_at: str
    finished_at: str | None = None
    waits_for: str = ""
    problems: tuple[Problem, ...] = ()


class RemoteRuns(msgspec.Struct, frozen=True, kw_only=True):
    """Runs, latest first."""

    runs: tuple[RemoteRun, ...]


class RemoteWorker(msgspec.Struct, frozen=True, kw_only=True):
    """A worker. `run` is the page of the run that it works on."""

    name: str
    host: str
    labels: dict[str, str]
    since: str
    run: str | None = None


class RemoteWorkers(msgspec.Struct, frozen=True, kw_only=True):
    """The workers that are connected; those of before if `redis` is false."""

    workers: tuple[RemoteWorker, ...]
    redis: bool = True


class RemoteArtifact(msgspec.Struct, frozen=True, kw_only=True):
    """A file that a step left behind, to be had under this id."""

    id: int
    job: str
    step: str
    path: str
    size_bytes: int
    sha256: str


class RemoteArtifacts(msgspec.Struct, frozen=True, kw_only=True):
    """Artifacts of a run. `after` asks for the next ones, None after the last."""

    artifacts: tuple[RemoteArtifact, ...]
    after: int | None = None


class RemoteNewRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run that a delivery has made."""

    id: str
    number: int
    url: str


class RemoteAccepted(msgspec.Struct, frozen=True, kw_only=True):
    """The runs of a delivery."""

    runs: tuple[RemoteNewRun, ...]


class RemoteDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """What a forge has posted, and what became of it. `answer` says why there is no run."""

    id: int
    repository: str
    forge: str
    key: str
    event: str
    verdict: str
    status_code: int
    answer: str
    size_bytes: int
    received_at: str
    runs: tuple[RemoteNewRun, ...]


class RemoteDeliveries(msgspec.Struct, frozen=True, kw_only=True):
    """Deliveries, latest first; `before` asks for those after them."""

    deliveries: tuple[RemoteDelivery, ...]
    before: int | None = None


class RemoteProblem(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong, in one line."""

    detail: str
