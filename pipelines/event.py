"""Event: why a run exists, in the same words for every forge, for plain git and for a laptop."""

from enum import StrEnum

import msgspec


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

    @property
    def is_pull_request(self) -> bool:
        """True for every event about a pull request."""
        return self.value.startswith("pull_request")


class Repository(msgspec.Struct, frozen=True, kw_only=True):
    """A repository as its forge names it. `forge` is the host, such as `github.com`, or `""` if there is none."""

    owner: str = ""
    name: str = ""
    forge: str = ""
    clone_url: str = ""
    url: str = ""
    default_branch: str = ""

    @property
    def full_name(self) -> str:
        """`owner/name`; just the name if it has no owner."""
        return f"{self.owner}/{self.name}" if self.owner else self.name


class PullRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The pull request an event is about. `branch` of the event is its target."""

    number: int
    source_branch: str = ""
    target_branch: str = ""
    from_fork: bool = False


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Why a run exists. `ref` is full (`refs/heads/main`); `branch` is the target's for a pull request.

    `changed_files` holds paths from the root of the repository, or None where nobody knows.
    `author` is the commit's, for show only: who may do what is decided by `sender`, the forge's word.
    """

    kind: EventKind = EventKind.PUSH
    repository: Repository = Repository()
    ref: str = ""
    branch: str = ""
    sha: str = ""
    before: str = ""
    message: str = ""
    author: str = ""
    author_email: str = ""
    sender: str = ""
    pull_request: PullRequest | None = None
    changed_files: tuple[str, ...] | None = None

    @property
    def tag(self) -> str:
        """The tag's name, or `""` if the event is not about one."""
        prefix = "refs/tags/"
        return self.ref.removeprefix(prefix) if self.ref.startswith(prefix) else ""
