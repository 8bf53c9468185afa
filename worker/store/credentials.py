"""Credentials of repositories: what the server shows their forge, and git, in their name. Sealed, never given out."""

from typing import Any

from sqlalchemy import Connection, delete, insert, select

from runner.clock import now
from worker.secrets.credential import Credential, CredentialKind
from worker.secrets.entrusted import CloneAccess
from worker.secrets.sealing import Keyring
from worker.store import repositories
from worker.store.tables import credentials


def put(connection: Connection, keyring: Keyring, repository_id: int, credential: Credential, value: str) -> None:
    """Store one, in place of any of its kind. Raises Unsealable."""
    _remove(connection, repository_id, credential.kind)
    connection.execute(
        insert(credentials).values(
            repository_id=repository_id,
            kind=credential.kind.value,
            name=credential.name,
            known_hosts=credential.known_hosts,
            value_sealed=keyring.seal(value, place=place(repository_id, credential.kind)),
            created_at=now(),
        )
    )


def of(connection: Connection, repository_id: int) -> dict[CredentialKind, Credential]:
    """What a repository has, without the values."""
    rows = connection.execute(select(credentials).where(credentials.c.repository_id == repository_id))
    return {
        CredentialKind(row.kind): Credential(
            kind=CredentialKind(row.kind), name=row.name, known_hosts=row.known_hosts, created_at=row.created_at
        )
        for row in rows
    }


def value_of(connection: Connection, keyring: Keyring, repository_id: int, kind: CredentialKind) -> str:
    """The value, opened: for whom it is meant, and for nothing else; `""` if there is none. Raises Unsealable."""
    query = select(credentials.c.value_sealed).where(_is(repository_id, kind))
    sealed = connection.execute(query).scalar_one_or_none()
    return keyring.open(sealed, place=place(repository_id, kind)) if sealed else ""


def clone_access(connection: Connection, keyring: Keyring, repository_id: int) -> CloneAccess | None:
    """What the repository is fetched with; None if it is fetched as the machine can. Raises Unsealable."""
    kept = of(connection, repository_id)
    token, key = kept.get(CredentialKind.CLONE_TOKEN), kept.get(CredentialKind.CLONE_KEY)
    if token is None and key is None:
        return None
    return CloneAccess(
        user=token.name if token else "",
        password=value_of(connection, keyring, repository_id, CredentialKind.CLONE_TOKEN),
        ssh_key=value_of(connection, keyring, repository_id, CredentialKind.CLONE_KEY),
        known_hosts=key.known_hosts if key else "",
    )


def forget(connection: Connection, repository_id: int, kind: CredentialKind) -> None:
    """Have one no more, if it is there; who has no token for their forge has no trouble with it."""
    _remove(connection, repository_id, kind)
    if kind is CredentialKind.FORGE_TOKEN:
        repositories.note_status_trouble(connection, repository_id, "")


def place(repository_id: int, kind: CredentialKind) -> str:
    """What a value is sealed for."""
    return f"credentials/{repository_id}/{kind}"


def _remove(connection: Connection, repository_id: int, kind: CredentialKind) -> None:
    connection.execute(delete(credentials).where(_is(repository_id, kind)))


def _is(repository_id: int, kind: CredentialKind) -> Any:
    return (credentials.c.repository_id == repository_id) & (credentials.c.kind == kind.value)
