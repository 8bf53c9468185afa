"""Repositories: which ones the service builds, and the secret that each one's deliveries are signed with."""

import secrets
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select
from sqlalchemy.exc import IntegrityError

from pipelines.event import Repository
from runner.clock import now
from worker.errors import Conflict, NotFound
from worker.store.tables import repositories, runs


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRepository:
    """A repository that the service builds. `forge` says whose deliveries its hook takes."""

    id: int
    owner: str
    name: str
    forge: str
    clone_url: str
    url: str
    default_branch: str
    secret: str = field(repr=False)
    last_number: int
    created_at: str

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return f"{self.owner}/{self.name}"


def add(connection: Connection, repository: Repository, *, forge: str) -> StoredRepository:
    """Store a new repository with a new secret. Raises Conflict if its name is taken."""
    values = {
        "owner": repository.owner,
        "name": repository.name,
        "forge": forge,
        "clone_url": repository.clone_url,
        "url": repository.url,
        "default_branch": repository.default_branch,
        "secret": secrets.token_urlsafe(32),
        "last_number": 0,
        "created_at": now(),
    }
    try:
        connection.execute(insert(repositories).values(values))
    except IntegrityError as error:
        raise Conflict(f"there is a repository {repository.full_name} already") from error
    return named(connection, repository.owner, repository.name)


def remove(connection: Connection, owner: str, name: str) -> StoredRepository:
    """Forget a repository with all its runs; gives what it was. Raises NotFound."""
    repository = named(connection, owner, name)
    connection.execute(delete(repositories).where(repositories.c.id == repository.id))
    return repository


def run_ids(connection: Connection, repository_id: int) -> list[str]:
    """The ids of all runs of a repository."""
    return list(connection.scalars(select(runs.c.id).where(runs.c.repository_id == repository_id)))


def every(connection: Connection) -> list[StoredRepository]:
    """All repositories, by name."""
    rows = connection.execute(select(repositories).order_by(repositories.c.owner, repositories.c.name))
    return [_stored(row) for row in rows]


def named(connection: Connection, owner: str, name: str) -> StoredRepository:
    """The repository `owner/name`. Raises NotFound."""
    query = select(repositories).where(repositories.c.owner == owner, repositories.c.name == name)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"there is no repository {owner}/{name}; see `headrace repo list`")
    return _stored(row)


def with_id(connection: Connection, repository_id: int) -> StoredRepository:
    """The repository with this id, which must exist."""
    return _stored(connection.execute(select(repositories).where(repositories.c.id == repository_id)).one())


def _stored(row: Row[Any]) -> StoredRepository:
    return StoredRepository(**row._mapping)  # noqa: SLF001 -- SQLAlchemy's public name for the row as a mapping
