"""Event: why a run exists, in the same words for every forge, for plain git and for a laptop.

Times are in seconds since 1970. `""`, 0 and None stand for what nobody knows, or what the event doesn't have.
"""

from enum import StrEnum

import msgspec

_TAGS = "refs/tags/"


class EventKind(StrEnum):
    """The values that `when: event` knows."""

    PUSH = "push"
    PULL_REQUEST = "pull_request"
    PULL_REQUEST_CLOSED = "pull_request_closed"
    PULL_REQUEST_METADATA = "pull_request_metadata"
    TAG = "tag"
    RELEASE = "release"
    DEPLOYMENT = "deployment"
    CRON = "cron"
    MANUAL = "manual"
    LOCAL = "local"

    @property
    def is_pull_request(self) -> bool:
        """True for every event about a pull request."""
        return self.value.startswith("pull_request")


class Repository(msgspec.Struct, frozen=True, kw_only=True):
    """A repository as its forge names it. `forge` is the host, such as `github.com`, or `""` if there is none.

    `forge_type` is the kind of forge, such as `gitea`; `remote_id` the forge's own number for the repository.
    """

    owner: str = ""
    name: str = ""
    forge: str = ""
    forge_type: str = ""
    remote_id: str = ""
    clone_url: str = ""
    clone_ssh_url: str = ""
    url: str = ""
    default_branch: str = ""
    private: bool | None = None

    @property
    def full_name(self) -> str:
        """`owner/name`; just the name if it has no owner."""
        return f"{self.owner}/{self.name}" if self.owner else self.name


class PullRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The pull request an event is about. `branch` of the event is its target.

    `source_repository` is the fork, such as `eve/web`, where its forge keeps the commits in there alone; else `""`.
    """

    number: int
    source_branch: str = ""
    target_branch: str = ""
    from_fork: bool = False
    source_repository: str = ""
    labels: tuple[str, ...] = ()
    milestone: str = ""
    draft: bool = False


def fork_ref(number: int) -> str:
    """What the commits of a pull request are kept under here, where the forge has them in the fork alone."""
    return f"refs/pull-requests/{number}/from"


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """Where to deploy, and which task of that."""

    target: str = ""
    task: str = ""


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """The release that was published."""

    title: str = ""
    prerelease: bool = False


class Included(msgspec.Struct, frozen=True, kw_only=True):
    """Another repository that workflow files were included from, and the commit that its `ref` led to.

    `repository` is its address; a `ref` of `""` stands for the default branch.
    """

    repository: str
    ref: str = ""
    sha: str

    def __str__(self) -> str:
        """`https://git.example.org/acme/ci.git v1 at 1a2b3c4d5e6f`, for people."""
        return f"{self.repository}{f' {self.ref}' if self.ref else ''} at {self.sha[:12]}"


class System(msgspec.Struct, frozen=True, kw_only=True):
    """The Headrace that runs this. `platform` is a worker's `os/arch`, such as `linux/amd64`."""

    url: str = ""
    host: str = ""
    platform: str = ""
    version: str = ""


class Previous(msgspec.Struct, frozen=True, kw_only=True):
    """The last run of the same branch, and its commit. Fields are called as those of an Event."""

    number: int = 0
    parent: int = 0
    kind: str = ""
    status: str = ""
    url: str = ""
    forge_url: str = ""
    created_at: int = 0
    started_at: int = 0
    finished_at: int = 0
    sha: str = ""
    ref: str = ""
    branch: str = ""
    message: str = ""
    timestamp: int = 0
    author: str = ""
    author_email: str = ""
    sender: str = ""
    source_branch: str = ""
    target_branch: str = ""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Why a run exists. `ref` is full (`refs/heads/main`); `branch` is the target's for a pull request.

    `changed_files` holds paths from the root of the repository, or None where nobody knows.
    `sha` is `""` until somebody has looked where a ref stands that people have named; `asked_sha` is the commit of it
    that they mean, by the beginning of its hash.
    `author` is the commit's, for show only: who may do what is decided by `sender`, the forge's word.
    `number`, `parent`, `reruns`, `url`, `created_at` and `started_at` are the run's: its number in the repository, the
    number of the run that it repeats, how often that was repeated, its page. `forge_url` is the page of what happened
    and `action` the forge's word for it, such as `opened`. `cron` names a schedule, `params` are what somebody gave
    by hand, `workflows` those that alone are to run; without any, all do. `included` are the commits of other
    repositories that its plan was made with, and is made with again. `local` is true for what runs on a laptop.
    """

    kind: EventKind = EventKind.PUSH
    repository: Repository = Repository()
    ref: str = ""
    branch: str = ""
    sha: str = ""
    asked_sha: str = ""
    before: str = ""
    message: str = ""
    timestamp: int = 0
    author: str = ""
    author_email: str = ""
    sender: str = ""
    sender_avatar: str = ""
    pull_request: PullRequest | None = None
    changed_files: tuple[str, ...] | None = None
    number: int = 0
    parent: int = 0
    reruns: int = 0
    url: str = ""
    forge_url: str = ""
    action: str = ""
    created_at: int = 0
    started_at: int = 0
    cron: str = ""
    deployment: Deployment | None = None
    release: Release | None = None
    params: dict[str, str] = {}
    workflows: tuple[str, ...] = ()
    included: tuple[Included, ...] = ()
    previous: Previous | None = None
    system: System = System()
    local: bool = False

    @property
    def tag(self) -> str:
        """The tag's name, or `""` if the event is not about one."""
        return self.ref.removeprefix(_TAGS) if self.ref.startswith(_TAGS) else ""
