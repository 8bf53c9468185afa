"""Secrets over the API: written, listed and removed. Their values go in and never come out."""

from typing import Annotated

from fastapi import Path, Query, Response
from pydantic import Field

from worker.api import models
from worker.api.paging import Paged
from worker.context import Serving
from worker.secrets.scope import GLOBAL, SCOPE_PATTERN, Scope
from worker.secrets.secret import NAME_PATTERN, Secret, checked_images, checked_name, checked_value, warning
from worker.store import secrets

ScopeText = Annotated[
    str,
    Field(
        description="whose: `repository:owner/name`, `owner:owner` or `global`", pattern=SCOPE_PATTERN, max_length=300
    ),
]
Name = Annotated[str, Path(description="in any case", pattern=f"^{NAME_PATTERN}$")]


def list_secrets(context: Serving, paging: Paged, scope: Annotated[ScopeText | None, Query()] = None) -> models.Secrets:
    """The secrets that there are: all, those of a scope, or all that reach a repository. Never their values."""
    with context.database.read() as connection:
        stored = secrets.every(connection, Scope.parse(scope).reached_by if scope else None)
    found, after = paging.page(stored, in_order)
    return models.Secrets(secrets=[_described(each) for each in found], after=after)


def in_order(secret: Secret) -> tuple[str, str]:
    """What lists of secrets are sorted by."""
    return str(secret.scope), secret.name


def put_secret(
    name: Name, wanted: models.NewSecret, context: Serving, scope: Annotated[ScopeText, Query()] = str(GLOBAL)
) -> models.StoredSecret:
    """Store a secret, in place of one of that name."""
    value = checked_value(wanted.value.get_secret_value())
    secret = Secret(
        scope=Scope.parse(scope),
        name=checked_name(name),
        events=tuple(dict.fromkeys(wanted.events)),
        images=checked_images(wanted.images),
    )
    with context.database.write() as connection:
        stored = secrets.put(connection, context.keyring, secret, value)
    return models.StoredSecret(**_described(stored).model_dump(), warning=warning(value))


def remove_secret(name: Name, context: Serving, scope: Annotated[ScopeText, Query()] = str(GLOBAL)) -> Response:
    """Forget a secret."""
    with context.database.write() as connection:
        secrets.remove(connection, Scope.parse(scope), checked_name(name))
    return Response(status_code=204)


def _described(secret: Secret) -> models.Secret:
    return models.Secret(
        name=secret.name,
        level=secret.scope.level,
        of=secret.scope.name,
        events=list(secret.events),
        images=list(secret.images),
        created_at=secret.created_at,
        updated_at=secret.updated_at,
    )
