"""Repositories and what is set for them."""

from typing import Annotated

from pydantic import BaseModel, Field, SecretStr

from pipelines.syntax.trusted import TRUST_WORDS
from worker.api.models.basics import After, Branch, Time, Url
from worker.badges.audience import Audience
from worker.forgeurl import FORGE_URL_PATTERN
from worker.secrets.credential import CredentialKind
from worker.statuses.commitstatus import Told
from worker.superseding import Supersede
from worker.trust import Approval
from worker.waiting.turns import HIGHEST_PRIORITY, MOST_RUNS

_TRUST = f"^({'|'.join(TRUST_WORDS)})$"


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
    after: After


class NewCredential(BaseModel, extra="forbid"):
    """A token or key, which is never told again. Without a value, a new clone key is made."""

    value: Annotated[SecretStr | None, Field(max_length=20_000)] = None
    user: Annotated[str, Field(description="whose clone token it is", max_length=255)] = ""
    known_hosts: Annotated[str, Field(description="of the host that a clone key is shown to", max_length=100_000)] = ""


class RepositorySettings(BaseModel, extra="forbid"):
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


class NewRepository(BaseModel, extra="forbid"):
    """A repository to build."""

    name: Annotated[str, Field(description="`owner/name`", max_length=300)]
    forge: Annotated[str, Field(description="whose deliveries its hook takes", examples=["github"], max_length=20)]
    clone_url: Annotated[str, Field(description="what workers fetch from", max_length=1000)]
    default_branch: Branch = ""


class Hook(BaseModel):
    """What a repository's forge is told. `post_receive` is the script that does it all for plain git, or empty."""

    name: Annotated[str, Field(description="`owner/name`")]
    hook_url: Annotated[Url, Field(description="where the forge posts to")]
    secret: Annotated[str, Field(description="what it signs with")]
    setup: Annotated[str, Field(description="where to enter them")]
    post_receive: str
