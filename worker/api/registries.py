"""Logins of registries over the API: written, listed and removed. Passwords go in and never come out."""

from typing import Annotated

import msgspec
from fastapi import Path, Query, Response

from worker.api import models
from worker.api.paging import Paged
from worker.api.secrets import ScopeText, in_order
from worker.context import Serving
from worker.secrets.entrusted import RegistryLogin
from worker.secrets.scope import GLOBAL, Scope
from worker.secrets.secret import Kind, Secret, checked_registry, checked_value
from worker.store import secrets

Host = Annotated[str, Path(description="HOST or HOST:PORT", max_length=260)]


def list_registries(
    context: Serving, paging: Paged, scope: Annotated[ScopeText | None, Query()] = None
) -> models.Logins:
    """For which registries there are logins: all, those of a scope, or all that reach a repository."""
    with context.database.read() as connection:
        stored = secrets.every(connection, Scope.parse(scope).reached_by if scope else None, kind=Kind.REGISTRY)
    found, after = paging.page(stored, in_order)
    return models.Logins(registries=[_described(each) for each in found], after=after)


def put_registry(
    registry: Host, wanted: models.NewLogin, context: Serving, scope: Annotated[ScopeText, Query()] = str(GLOBAL)
) -> models.Login:
    """Store a login, in place of one for the same registry."""
    login = RegistryLogin(user=wanted.user, password=checked_value(wanted.password.get_secret_value()))
    secret = Secret(scope=Scope.parse(scope), name=checked_registry(registry), kind=Kind.REGISTRY)
    with context.database.write() as connection:
        stored = secrets.put(connection, context.keyring, secret, msgspec.json.encode(login).decode())
    return _described(stored)


def remove_registry(registry: Host, context: Serving, scope: Annotated[ScopeText, Query()] = str(GLOBAL)) -> Response:
    """Forget a login."""
    with context.database.write() as connection:
        secrets.remove(connection, Scope.parse(scope), checked_registry(registry), kind=Kind.REGISTRY)
    return Response(status_code=204)


def _described(secret: Secret) -> models.Login:
    return models.Login(
        registry=secret.name,
        level=secret.scope.level,
        of=secret.scope.name,
        created_at=secret.created_at,
        updated_at=secret.updated_at,
    )
