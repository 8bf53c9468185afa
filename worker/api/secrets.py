"""Secrets over the API: written, listed and removed. Their values go in and never come out."""

from typing import Annotated

from fastapi import Query, Response

from worker.api import models
from worker.context import Serving
from worker.secrets.scope import Scope
from worker.secrets.secret import Secret, checked_images, checked_name, checked_value, warning
from worker.store import secrets

Repository = Annotated[str, Query(description="`owner/name`: its own", max_length=300)]
Owner = Annotated[str, Query(description="those of all repositories of this owner", max_length=300)]


def list_secrets(context: Serving, repository: Repository = "", owner: Owner = "") -> models.Secrets:
    """The secrets that there are: all, those of an owner, or those that reach a repository. Never their values."""
    scope = Scope.of(repository=repository, owner=owner)
    with context.database.read() as connection:
        stored = secrets.every(connection, scope.reached_by if scope.name else None)
    return models.Secrets(secrets=[_described(secret) for secret in stored])


def put_secret(
    name: str, wanted: models.NewSecret, context: Serving, repository: Repository = "", owner: Owner = ""
) -> models.StoredSecret:
    """Store a secret, in place of one of that name: a repository's, an owner's, or without either everybody's."""
    value = checked_value(wanted.value.get_secret_value())
    secret = Secret(
        scope=Scope.of(repository=repository, owner=owner),
        name=checked_name(name),
        events=tuple(dict.fromkeys(wanted.events)),
        images=checked_images(wanted.images),
    )
    with context.database.write() as connection:
        stored = secrets.put(connection, context.keyring, secret, value)
    return models.StoredSecret(**_described(stored).model_dump(), warning=warning(value))


def remove_secret(name: str, context: Serving, repository: Repository = "", owner: Owner = "") -> Response:
    """Forget a secret."""
    with context.database.write() as connection:
        secrets.remove(connection, Scope.of(repository=repository, owner=owner), checked_name(name))
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
