"""Tokens, which let in and are shown once."""

from typing import Annotated

from pydantic import BaseModel, Field

from worker.access.identity import Scope
from worker.api.models.basics import After, Time

LONGEST_DAYS = 3650


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
    after: After


class NewToken(BaseModel, extra="forbid"):
    """A token to make. One that is asked for with a token ends no later than that."""

    name: Annotated[str, Field(description="what it is for", max_length=200)]
    account: Annotated[str, Field(description="whose it is; it may do no more than that account", max_length=64)]
    scope: Scope = Scope.READ
    days: Annotated[
        int | None,
        Field(description="when it expires; else in 90, or with the token that asks for it", ge=1, le=LONGEST_DAYS),
    ] = None


class AddedToken(BaseModel):
    """A token that was made, to be shown this once."""

    token: str
