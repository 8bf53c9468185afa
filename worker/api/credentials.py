"""Credentials over the API: written, listed and removed. Their values go in and never come out."""

from fastapi import Response

from worker.api import models
from worker.context import Serving
from worker.errors import Malformed
from worker.secrets.credential import Credential, CredentialKind, Owner, clone_key, clone_token, forge_token
from worker.store import credentials, outbox, repositories
from worker.store.repositories import StoredRepository


def list_credentials(owner: str, name: str, context: Serving) -> models.Credentials:
    """What a repository shows its forge, and git. Never the values."""
    with context.database.read() as connection:
        kept = credentials.of(connection, repositories.named(connection, owner, name).id)
    return models.Credentials(credentials=[_described(kept[kind]) for kind in CredentialKind if kind in kept])


def put_credential(
    owner: str, name: str, kind: CredentialKind, wanted: models.NewCredential, context: Serving
) -> models.Credential:
    """Store one, in place of any of its kind. A clone key without a value is made, and its public half given."""
    with context.database.write() as connection:
        repository = repositories.named(connection, owner, name)
        credential, value = checked_credential(repository, kind, wanted)
        credentials.put(connection, context.keyring, repository.id, credential, value)
        if kind is CredentialKind.FORGE_TOKEN:
            outbox.try_again(connection, repository.id)
        return _described(credentials.of(connection, repository.id)[kind])


def remove_credential(owner: str, name: str, kind: CredentialKind, context: Serving) -> Response:
    """Forget one, if it is there."""
    with context.database.write() as connection:
        credentials.forget(connection, repositories.named(connection, owner, name).id, kind)
    return Response(status_code=204)


def checked_credential(
    repository: StoredRepository, kind: CredentialKind, wanted: models.NewCredential
) -> tuple[Credential, str]:
    """The credential that is wanted for a repository, and its value. Raises Malformed."""
    owner = Owner(full_name=repository.full_name, forge=repository.forge, clone_url=repository.clone_url)
    value = None if wanted.value is None else wanted.value.get_secret_value()
    if kind is CredentialKind.CLONE_KEY:
        return clone_key(owner, value, known_hosts=wanted.known_hosts)
    if value is None:
        raise Malformed(f"a {kind} needs a value: only a clone key can be made here")
    return (
        forge_token(owner, value) if kind is CredentialKind.FORGE_TOKEN else clone_token(owner, value, user=wanted.user)
    )


def _described(credential: Credential) -> models.Credential:
    return models.Credential(
        kind=credential.kind,
        name=credential.name,
        known_hosts=credential.known_hosts,
        created_at=credential.created_at,
    )
