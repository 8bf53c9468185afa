"""Secrets, whose values only go in."""

from typing import Annotated

from pydantic import BaseModel, Field, SecretStr

from pipelines.event import EventKind
from worker.api.models.basics import After, Time
from worker.secrets.scope import Level
from worker.secrets.secret import DEFAULT_EVENTS, IMAGE_PATTERN, LARGEST_BYTES

_NO_NUL = r"^[^\x00]+$"


class NewSecret(BaseModel, extra="forbid"):
    """A secret's value, which is never told again, and who may have it."""

    value: Annotated[SecretStr, Field(min_length=1, max_length=LARGEST_BYTES, json_schema_extra={"pattern": _NO_NUL})]
    events: Annotated[list[EventKind], Field(description="runs of which events", min_length=1, max_length=20)] = list(
        DEFAULT_EVENTS
    )
    images: Annotated[
        list[Annotated[str, Field(pattern=f"^{IMAGE_PATTERN}$")]],
        Field(description="plugins of which images; without any, every step", max_length=50),
    ] = []


class Secret(BaseModel):
    """A secret without its value. `of` is an owner or `owner/name`, as the level says, or empty."""

    name: str
    level: Level
    of: str
    events: list[EventKind]
    images: list[str]
    created_at: Time
    updated_at: Time


class StoredSecret(Secret):
    """A secret that was stored. `warning` says what is not as it should be, or is empty."""

    warning: str


class Secrets(BaseModel):
    """Secrets, by whom they are for and by name."""

    secrets: list[Secret]
    after: After
