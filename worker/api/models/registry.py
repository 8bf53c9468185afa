"""Logins of registries, whose passwords only go in."""

from typing import Annotated

from pydantic import BaseModel, Field, SecretStr

from worker.api.models.basics import After, Time
from worker.secrets.scope import Level
from worker.secrets.secret import LARGEST_BYTES


class NewLogin(BaseModel, extra="forbid"):
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
    after: After
