"""What the service answers, as far as commands look at it. Fields that a newer one adds are passed over."""

import msgspec


class Repository(msgspec.Struct, frozen=True, kw_only=True):
    """A repository that is built, and what is set for it."""

    name: str
    forge: str
    clone_url: str
    url: str
    hook_url: str
    trust: tuple[str, ...]
    approval: str
    priority: int
    max_runs: int | None
    supersede: str
    statuses: str
    forge_url: str
    status_trouble: str
    badge: str
    created_at: str


class Repositories(msgspec.Struct, frozen=True, kw_only=True):
    """All repositories, by name."""

    repositories: tuple[Repository, ...]
    after: str | None = None


class Hook(msgspec.Struct, frozen=True, kw_only=True):
    """What a repository's forge is told. `post_receive` is all there is to it for plain git, else `""`."""

    name: str
    hook_url: str
    secret: str
    setup: str
    post_receive: str


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """A credential without its value. `name` is a user's name, or the public half of a key."""

    kind: str
    name: str


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What a repository shows its forge, and git."""

    credentials: tuple[Credential, ...]


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody, or a robot, who may use the server."""

    name: str
    role: str
    created_at: str


class AddedAccount(Account, frozen=True, kw_only=True):
    """An account that was made; without a `link` nobody chooses a password."""

    link: str


class Accounts(msgspec.Struct, frozen=True, kw_only=True):
    """All accounts, by name."""

    accounts: tuple[Account, ...]
    after: str | None = None


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """Where somebody chooses a password, once."""

    link: str


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token, but not what lets in. Without `expires_at` it holds until it is revoked."""

    id: int
    account: str
    name: str
    scope: str
    created_at: str
    expires_at: str | None
    used_at: str | None


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """All tokens, by account and name."""

    tokens: tuple[Token, ...]
    after: str | None = None


class AddedToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token that was made."""

    token: str


class Secret(msgspec.Struct, frozen=True, kw_only=True):
    """A secret without its value. `of` is an owner or `owner/name`, as the level says, or `""`."""

    name: str
    level: str
    of: str
    events: tuple[str, ...]
    images: tuple[str, ...]
    created_at: str
    updated_at: str
    warning: str = ""


class Secrets(msgspec.Struct, frozen=True, kw_only=True):
    """Secrets, by whom they are for and by name."""

    secrets: tuple[Secret, ...]
    after: str | None = None


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """For which registry there is a login, and for whom."""

    registry: str
    level: str
    of: str


class Logins(msgspec.Struct, frozen=True, kw_only=True):
    """Logins, by whom they are for and by registry."""

    registries: tuple[Login, ...]
    after: str | None = None


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """How long a repository's things are kept, all in all; `""`: for ever."""

    repository: str
    in_force: str


class AllRetention(msgspec.Struct, frozen=True, kw_only=True):
    """How long things are kept: of repositories that say nothing, and of each."""

    default: str
    repositories: tuple[Kept, ...]


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """How long a repository's things are kept: what it says itself, and what counts."""

    rules: str
    in_force: str


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """How much has gone of a repository, or would go."""

    repository: str
    runs: int
    logs: int
    artifacts: int
    deliveries: int


class Removals(msgspec.Struct, frozen=True, kw_only=True):
    """What has gone, or would go."""

    removed: tuple[Removed, ...]
