"""Who may use the server, and the links by which they choose a password."""

from typing import Annotated

from pydantic import BaseModel, Field, SecretStr

from worker.access.identity import Role
from worker.api.models.basics import After, Time, Url


class Account(BaseModel):
    """Somebody, or a robot, who may use the server."""

    name: str
    role: Role
    created_at: Time


class Accounts(BaseModel):
    """All accounts, by name."""

    accounts: list[Account]
    after: After


class NewAccount(BaseModel, extra="forbid"):
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
