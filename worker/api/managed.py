"""The shapes of what administrators manage: repositories' hooks, accounts, tokens, logins of registries, retention."""

from typing import Annotated

from pydantic import BaseModel, Field, SecretStr

from worker.access.identity import Role, Scope
from worker.api.models import Branch, Time, Url
from worker.secrets.scope import Level
from worker.secrets.secret import LARGEST_BYTES

LONGEST_DAYS = 3650


class NewRepository(BaseModel):
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


class Account(BaseModel):
    """Somebody, or a robot, who may use the server."""

    name: str
    role: Role
    created_at: Time


class Accounts(BaseModel):
    """All accounts, by name."""

    accounts: list[Account]


class NewAccount(BaseModel):
    """An account to make. Without a password its owner chooses one, by a link that serves once; a robot has none."""

    name: Annotated[str, Field(max_length=64)]
    role: Role = Role.MEMBER
    robot: Annotated[bool, Field(description="nobody logs in as it: it has tokens only")] = False
    password: SecretStr | None = None


class AddedAccount(Account):
    """An account that was made. `link` is where its owner chooses a password, empty if that is not to be."""

    link: str


class Link(BaseModel):
    """Where somebody chooses a password, once."""

    link: Url


class Token(BaseModel):
    """A token, but not what lets in."""

    id: int
    account: str
    name: str
    scope: Scope
    created_at: Time
    expires_at: Time | None
    used_at: Time | None


class Tokens(BaseModel):
    """All tokens, by account and name."""

    tokens: list[Token]


class NewToken(BaseModel):
    """A token to make. One that is asked for with a token ends no later than that."""

    name: Annotated[str, Field(description="what it is for", max_length=200)]
    account: Annotated[str, Field(description="whose it is; it may do no more than that account", max_length=64)]
    scope: Scope = Scope.READ
    days: Annotated[int, Field(description="when it expires", ge=1, le=LONGEST_DAYS)] = 90


class AddedToken(BaseModel):
    """A token that was made, to be shown this once."""

    token: str


class NewLogin(BaseModel):
    """What a registry is shown."""

    user: Annotated[str, Field(min_length=1, max_length=255)]
    password: Annotated[
        SecretStr, Field(description="or a token; never told again", min_length=1, max_length=LARGEST_BYTES)
    ]


class Login(BaseModel):
    """For which registry there is a login, and for whom. `of` is an owner or `owner/name`, as the level says."""

    registry: str
    level: Level
    of: str
    created_at: Time
    updated_at: Time


class Logins(BaseModel):
    """Logins, by whom they are for and by registry."""

    registries: list[Login]


class Kept(BaseModel):
    """How long the things of one repository are kept, all in all; empty: for ever."""

    repository: str
    in_force: str


class ServerRetention(BaseModel):
    """How long things are kept: `default` of repositories that say nothing, and what counts for each."""

    default: str
    repositories: list[Kept]


class Removed(BaseModel):
    """How much has gone of a repository, or would go: whole runs, and of others logs or artifacts alone."""

    repository: str
    runs: int
    logs: int
    artifacts: int
    deliveries: int


class Removals(BaseModel):
    """What has gone, or would go; only repositories that it is true of."""

    removed: list[Removed]
