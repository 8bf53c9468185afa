"""Secrets in the database: written, listed and removed by name, and opened only to be sealed for a worker."""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select, update

from pipelines.event import EventKind
from runner.clock import now
from worker.errors import NotFound
from worker.secrets.scope import Scope, scopes_of
from worker.secrets.sealing import Keyring
from worker.secrets.secret import Kind, Secret
from worker.store import repositories
from worker.store.tables import secrets


def put(connection: Connection, keyring: Keyring, secret: Secret, value: str) -> Secret:
    """Store a secret, in place of one of the same name; gives it as stored.

    Raises NotFound if it is of a repository that isn't there.
    """
    time = now()
    values = {
        "value_sealed": keyring.seal(value, place=place(secret.scope, secret.kind, secret.name)),
        "events": msgspec.json.encode(secret.events).decode(),
        "images": msgspec.json.encode(secret.images).decode(),
        "updated_at": time,
    }
    repository_id = _repository_id(connection, secret.scope)
    ours = _is(secret.scope, secret.kind, secret.name)
    if not connection.execute(update(secrets).where(ours).values(values)).rowcount:
        key = {"scope": str(secret.scope), "kind": secret.kind.value, "name": secret.name}
        connection.execute(insert(secrets).values(**values, **key, repository_id=repository_id, created_at=time))
    return _stored(connection.execute(select(secrets).where(ours)).one())


def every(connection: Connection, scopes: Iterable[Scope] | None = None, *, kind: Kind = Kind.SECRET) -> list[Secret]:
    """The secrets of these scopes, or of all, without their values, by scope and name."""
    query = select(secrets).where(secrets.c.kind == kind.value)
    if scopes is not None:
        query = query.where(secrets.c.scope.in_([str(scope) for scope in scopes]))
    return [_stored(row) for row in connection.execute(query.order_by(secrets.c.scope, secrets.c.name))]


def remove(connection: Connection, scope: Scope, name: str, *, kind: Kind = Kind.SECRET) -> None:
    """Forget a secret. Raises NotFound."""
    if not connection.execute(delete(secrets).where(_is(scope, kind, name))).rowcount:
        raise NotFound(f"there is no {kind} {name} for {scope.phrase}")


def nearest(connection: Connection, repository: str, *, kind: Kind = Kind.SECRET) -> dict[str, Secret]:
    """What `owner/name` has by each name: its own before its owner's, and that before everybody's."""
    scopes = scopes_of(repository)
    found = every(connection, scopes, kind=kind)
    found.sort(key=lambda secret: scopes.index(secret.scope), reverse=True)
    return {secret.name: secret for secret in found}


def value_of(connection: Connection, keyring: Keyring, secret: Secret) -> str:
    """A secret's value, opened: to be sealed again and sent, and for nothing else. Raises Unsealable."""
    query = select(secrets.c.value_sealed).where(_is(secret.scope, secret.kind, secret.name))
    sealed = connection.execute(query).scalar_one()
    return keyring.open(sealed, place=place(secret.scope, secret.kind, secret.name))


def place(scope: Scope, kind: Kind, name: str) -> str:
    """What a secret's value is sealed for."""
    return f"secrets/{kind}/{scope}/{name}"


def _is(scope: Scope, kind: Kind, name: str) -> Any:
    return (secrets.c.scope == str(scope)) & (secrets.c.kind == kind.value) & (secrets.c.name == name)


def _repository_id(connection: Connection, scope: Scope) -> int | None:
    if not scope.is_repository:
        return None
    owner, _, name = scope.name.rpartition("/")
    return repositories.named(connection, owner, name).id


def _stored(row: Row[Any]) -> Secret:
    return Secret(
        scope=Scope.parse(row.scope),
        name=row.name,
        kind=Kind(row.kind),
        events=msgspec.json.decode(row.events, type=tuple[EventKind, ...]),
        images=msgspec.json.decode(row.images, type=tuple[str, ...]),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
